"""`footnote models`: weights fetched, checked and listed."""

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from libs.config.settings import Settings
from libs.stores.weights import WeightsMissingError, WeightsStore
from libs.stores.weights_catalogue import CATALOGUE

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
