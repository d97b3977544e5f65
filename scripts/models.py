"""`footnote models`: weights fetched, checked and listed."""

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from libs.clients.base import ServiceClient, service_http
from libs.clients.generation import GenerationClient
from libs.config.settings import Settings
from libs.contracts.errors import FootnoteError
from libs.contracts.routing import ModelReport
from libs.security.keys import OPERATOR
from libs.security.tokens import ServiceTokens
from libs.stores.weights import WeightsMissingError, WeightsStore
from libs.stores.weights_catalogue import CATALOGUE
from scripts.api import ApiError

# What only a folder of weights for embedding has; a language model is one GGUF file.
WEIGHTS_FILE = "model.safetensors"


def install(settings: Settings, name: str, console: Console) -> None:
    """Fetches the weights unless they are there. Raises WeightsError; nothing half-fetched is ever used."""
    store = WeightsStore(settings.models_dir)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"{name} weights", total=None)
        path = store.fetch(name, lambda done, total: progress.update(task, completed=done, total=total))
    if path.suffix == ".gguf":
        from services.generation.engines.openvino_ir import prepare

        with console.status("converting for this machine's processor, once"):
            prepare(path)
    if (path / WEIGHTS_FILE).exists():
        from services.embedding.adapters import openvino_ir
        from services.embedding.folders import locate

        with console.status("calibrating for this machine's processor, once"):
            try:
                openvino_ir.prepare(locate(name, store))
            except (openvino_ir.ConversionError, OSError) as error:
                console.print(f"{error} It runs with torch instead, at half the speed.", highlight=False)
    console.print(f"{name} is installed in {str(path)!r}.", highlight=False)


def list_weights(settings: Settings, console: Console) -> None:
    store = WeightsStore(settings.models_dir)
    for name, weights in CATALOGUE.items():
        try:
            store.locate(name)
            state = "installed"
        except WeightsMissingError:
            state = f"not installed; footnote models install {name}"
        console.print(f"{name:10} {weights.model:36} {state}", highlight=False)


async def show_routes(settings: Settings, console: Console) -> bool:
    """Prints the generation service's models and routes in force; true when the newest settings are."""
    try:
        tokens = ServiceTokens(OPERATOR, settings.secrets_dir)
    except OSError as error:
        raise ApiError(
            f"The operator's key isn't in {str(settings.secrets_dir)!r}. Run this where Footnote runs, as its user."
        ) from error
    async with service_http() as http:
        client = ServiceClient("generation", settings.url("generation"), tokens, http)
        try:
            report = await GenerationClient(client).routes()
        except FootnoteError as error:
            raise ApiError(error.message, error.code, error.status) from error
    routes = Table("route", "asked for", "when", "models, in order")
    for route in report.routes:
        routes.add_row(route.name, ", ".join(route.requested), route.when, " → ".join(route.models))
    models = Table("model", "engine", "state", "breaker", "in flight", "waiting", "context", "plans", "$/M in, out")
    for model in report.models:
        models.add_row(*_cells(model))
    console.print(routes, models)
    problems = [problem for problem in (report.problem, *(model.problem for model in report.models)) if problem]
    for problem in problems:
        console.print(f"problem: {problem}", markup=False, highlight=False)
    return not problems


def _cells(model: ModelReport) -> list[str]:
    return [
        model.name,
        model.engine,
        model.state,
        model.breaker,
        str(model.in_flight),
        f"at most {model.max_waiting}",
        f"{model.context_tokens:,}",
        ", ".join(model.plans) or "all",
        f"{model.input_cost:g}, {model.output_cost:g}",
    ]
