"""The front door of the operator's commands: `footnote <command>`."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from libs.config.settings import Settings, load_settings
from libs.stores.weights import WeightsError, WeightsMissingError
from scripts.api import ApiError
from scripts.supervisor import StartError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Run Footnote and talk to it.")
admin_app = typer.Typer(no_args_is_help=True, help="What an operator sets for one organisation.")
models_app = typer.Typer(
    no_args_is_help=True, help="Models: list, install, measure, and the change of the embedding model."
)
bench_app = typer.Typer(no_args_is_help=True, help="Speed, as ratios to a floor measured in the same run.")
eval_app = typer.Typer(no_args_is_help=True, help="Quality, measured on judged questions.")
app.add_typer(admin_app, name="admin")
app.add_typer(eval_app, name="eval")
app.add_typer(bench_app, name="bench")
app.add_typer(models_app, name="models")

console = Console(soft_wrap=True)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs a command to its end; an expected failure is printed as one line and exits with 1."""
    from libs.stores.embedded import EmbeddedServerError

    try:
        return asyncio.run(work)
    except (ApiError, StartError, EmbeddedServerError, WeightsError, WeightsMissingError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _fail(message: str) -> None:
    Console(stderr=True, soft_wrap=True).print(message, style="red", markup=False, highlight=False)
    raise typer.Exit(1)


def settings() -> Settings:
    return load_settings()


@app.command()
def up() -> None:
    """Start everything on this machine and serve until Ctrl-C."""
    from scripts.up import up as start

    run(start(settings(), console))


@app.command()
def demo(once: Annotated[bool, typer.Option("--once", help="Stop after the first answer.")] = False) -> None:
    """Start everything, read the handbook, answer a first question, and serve until Ctrl-C."""
    from scripts.demo import demo as start

    run(start(settings(), console, once=once))


@app.command()
def migrate() -> None:
    """Bring the database's schema up to this version's."""
    from libs.stores.migrations import migrate as apply

    apply(settings().postgres_dsn("postgres"))
    console.print("The schema is up to date.")


@app.command()
def seed() -> None:
    """Make the demo user and its organisation."""
    from scripts.seed import seed as make

    credentials = run(make(settings()))
    console.print(f"The demo user is {credentials.email}.", highlight=False)


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    category: Annotated[str | None, typer.Option(help="The documents' category.")] = None,
) -> None:
    """Upload files and folders and wait until they are searchable."""
    from scripts.api import signed_in
    from scripts.ingest import ingest as upload
    from scripts.ingest import print_report

    async def work() -> None:
        async with signed_in(settings()) as api:
            report = await upload(api, paths, console, category)
        print_report(report, console)
        if report.failed:
            raise typer.Exit(1)

    run(work())


@app.command()
def sync(
    path: Annotated[Path, typer.Argument(help="A folder or a Git checkout.")],
    name: Annotated[str | None, typer.Option(help="The source's name; without it, the folder's.")] = None,
    category: Annotated[str | None, typer.Option(help="The documents' category.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Delete all when no file is left.")] = False,
) -> None:
    """Add, update, move and delete documents as a folder's files are now."""
    from scripts.api import signed_in
    from scripts.sync import print_sync
    from scripts.sync import sync as bring_in_step

    async def work() -> None:
        fields = {"category": category} if category else {}
        async with signed_in(settings()) as api:
            report = await bring_in_step(
                api, path, console, name=name, dry_run=dry_run, allow_empty=allow_empty, fields=fields
            )
        print_sync(report, console, dry_run=dry_run)
        if report.failed:
            raise typer.Exit(1)

    run(work())


@app.command()
def parse(paths: Annotated[list[Path], typer.Argument(help="Files and folders.")]) -> None:
    """Show what is read from files, what that costs and why some can't be read; nothing is uploaded."""
    from scripts.parse import files_in, parse_files, print_table
    from services.knowledge.parsing.document import ParseLimits

    options = settings().ingestion
    limits = ParseLimits.of(options.parse_memory_mb, options.parse_timeout_s)
    try:
        print_table(run(parse_files(list(files_in(paths)), limits)), Console())
    except OSError as error:
        _fail(str(error))


@app.command()
def ask(
    question: str,
    model: Annotated[str | None, typer.Option(help="One of the installed models.")] = None,
    max_tokens: Annotated[int, typer.Option(min=50, max=2000)] = 512,
) -> None:
    """Ask one question and print the cited answer as it comes."""
    from scripts.api import signed_in
    from scripts.ask import ask as put

    async def work() -> None:
        async with signed_in(settings()) as api:
            options: dict[str, Any] = {"max_tokens": max_tokens} | ({"model": model} if model else {})
            await put(api, question, console, **options)

    run(work())


@app.command()
def search(
    query: str,
    top_k: Annotated[int, typer.Option(min=1, max=100)] = 10,
    strategy: Annotated[str, typer.Option(help="auto, lexical, vector or hybrid.")] = "auto",
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="NAME=VALUE, such as language=en or metadata.year=2024.")
    ] = None,
) -> None:
    """Print the passages that a query finds."""
    from scripts.api import signed_in
    from scripts.search import search as find

    async def work() -> None:
        async with signed_in(settings()) as api:
            await find(api, query, top_k, strategy, filters or [], console)

    run(work())


@app.command()
def doctor() -> None:
    """Say what is missing, what is unhealthy and what to do; exit 1 where anything is."""
    from scripts.doctor import doctor as look

    if not run(look(settings(), console)):
        raise typer.Exit(1)


@admin_app.command("plan")
def admin_plan(organization: str, plan: str) -> None:
    """Move an organisation (id, name or a member's address) to a plan."""
    from scripts.admin import set_plan

    found = run(set_plan(settings(), organization, plan))
    console.print(f"{found.name} ({found.organization_id}) is on {plan}.", highlight=False)


@admin_app.command("limits")
def admin_limits(
    organization: str,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="For each subject and class of route.")] = None,
) -> None:
    """Give an organisation its own requests a minute; without a number, the default again."""
    from scripts.admin import set_limits

    found = run(set_limits(settings(), organization, requests_per_minute))
    value = requests_per_minute if requests_per_minute is not None else "the default number of"
    console.print(f"{found.name} ({found.organization_id}) may make {value} requests a minute.", highlight=False)


@bench_app.command("embed")
def bench_embed() -> None:
    """The embedding service beside plain SentenceTransformer.encode."""
    from scripts.bench.embed import bench_embed as measure

    run(measure(console))


@bench_app.command("rerank")
def bench_rerank() -> None:
    """Reranking fifty passages, encoded anew and by stored token vectors."""
    from scripts.bench.embed import bench_rerank as measure

    run(measure(console))


@bench_app.command("ingest")
def bench_ingest(
    data: Annotated[
        Path | None, typer.Option(envvar="FOOTNOTE_DATA", help="A folder with retrieval/scifact; else the handbook.")
    ] = None,
) -> None:
    """Documents from being sent to being found, beside encoding the same passages and no more."""
    from scripts.bench.ingest import bench_ingest as measure

    run(measure(console, data))


@bench_app.command("search")
def bench_search() -> None:
    """A search beside a bare FastAPI and Redis route."""
    from scripts.bench.search import bench_search as measure

    run(measure(console))


@bench_app.command("index")
def bench_index() -> None:
    """The passage index with 100,000 passages beside 1,000, and its recall."""
    from scripts.bench.index import bench_index as measure

    run(measure(console))


@bench_app.command("scale")
def bench_scale() -> None:
    """A whole search over 100,000 passages beside one over 1,000."""
    from scripts.bench.scale import bench_scale as measure

    run(measure(console))


@bench_app.command("chat")
def bench_chat() -> None:
    """An answer beside a bare route, and beside the engine called directly."""
    from scripts.bench.chat import bench_chat as measure

    run(measure(console))


@bench_app.command("generate")
def bench_generate(
    model: Annotated[str, typer.Option(help="smollm2 or qwen, which must be installed.")] = "smollm2",
    rounds: Annotated[int, typer.Option(min=1)] = 5,
) -> None:
    """A local model's engine beside transformers' generate, itself with one stream, and itself over HTTP."""
    from scripts.bench.generate import bench_generate as measure

    run(measure(console, rounds, model))


@bench_app.command("all")
def bench_all() -> None:
    """Every bench, one after another."""
    bench_embed()
    bench_rerank()
    bench_ingest()
    bench_search()
    bench_scale()
    bench_index()
    bench_chat()
    bench_generate()


@eval_app.command("retrieval")
def eval_retrieval(
    data: Annotated[Path, typer.Option(help="A folder with corpus.jsonl, queries.jsonl and qrels.tsv.")],
    split: Annotated[str | None, typer.Option(help="The folder in it that has the questions.")] = None,
    strategy: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    out: Annotated[Path, typer.Option(help="Where the reports go.")] = Path("reports"),
    gate: Annotated[Path | None, typer.Option(help="Fail where quality fell below this earlier report.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Upload the documents anew.")] = False,
) -> None:
    """Upload a collection, ask its questions by every strategy, print and write what was measured."""
    from scripts.evaluate.command import evaluate_retrieval

    if not run(evaluate_retrieval(console, data, split, strategy or [], out, gate, fresh=fresh)):
        raise typer.Exit(1)


@eval_app.command("answers")
def eval_answers(
    data: Annotated[Path, typer.Option(help="A folder with corpus.jsonl and queries.jsonl, or with the injections.")],
    kind: Annotated[str, typer.Option(help="questions, or injection: documents with planted instructions.")] = (
        "questions"
    ),
    split: Annotated[str | None, typer.Option(help="The folder in it that has the questions.")] = None,
    corpus: Annotated[Path | None, typer.Option(help="Ask of these documents, which answer none of it.")] = None,
    noise: Annotated[
        str | None, typer.Option(help="Ask of a question's own documents at this noise, or reject.")
    ] = None,
    terms: Annotated[
        Path | None, typer.Option(help="JSON lines of ids and the terms of an answer that obeyed.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many of the questions, drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="Which ones are drawn.")] = 0,
    generator: Annotated[str | None, typer.Option(help="The model to ask; else the organisation's own choice.")] = None,
    at_once: Annotated[int, typer.Option(min=1, max=32, help="Questions that are under way at a time.")] = 4,
    out: Annotated[Path, typer.Option(help="Where the reports go.")] = Path("reports"),
    gate: Annotated[Path | None, typer.Option(help="Fail where answers are worse than in this earlier report.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Upload the documents anew.")] = False,
) -> None:
    """Ask a collection's questions through the chat, print and write how good the answers are."""
    from scripts.evaluate.answers.asking import Asking
    from scripts.evaluate.answers.command import KINDS, Wanted, evaluate_answers

    if kind not in KINDS:
        _fail(f"There is no kind {kind!r}. Use one of: {', '.join(KINDS)}.")
    wanted = Wanted(data, kind, split, corpus, noise, terms, limit, seed)
    if not run(evaluate_answers(console, wanted, Asking(generator, at_once), out, gate, fresh=fresh)):
        raise typer.Exit(1)


@eval_app.command("chunking")
def eval_chunking(
    data: Annotated[Path, typer.Option(help="A folder with corpus.jsonl, queries.jsonl and qrels.tsv.")],
    split: Annotated[str | None, typer.Option(help="The folder in it that has the questions.")] = None,
    cut: Annotated[list[str] | None, typer.Option(help="TOKENS:OVERLAP of a passage; may be repeated.")] = None,
    budget: Annotated[int, typer.Option(min=1, help="Tokens of passages that an answer is given.")] = 1500,
    documents: Annotated[int, typer.Option(min=1, help="At most this many; relevant ones come first.")] = 2000,
) -> None:
    """Cut a collection's documents into passages of several sizes and measure what each brings to its questions."""
    from scripts.evaluate.chunking import evaluate_chunking, read_cuts

    run(evaluate_chunking(console, settings(), data, split, read_cuts(cut or []), budget, documents))


@eval_app.command("cache")
def eval_cache(
    data: Annotated[Path, typer.Option(help="A folder with corpus.jsonl, queries.jsonl and qrels.tsv.")],
    split: Annotated[str | None, typer.Option(help="The folder in it that has the questions.")] = None,
    paraphrases: Annotated[Path | None, typer.Option(help="Reworded questions; else ours of SQuAD 2.0.")] = None,
    out: Annotated[Path, typer.Option(help="Where the reports go.")] = Path("reports"),
) -> None:
    """Ask reworded questions of a cache that holds a collection's questions: how many hit, and how many wrongly."""
    from scripts.evaluate.cache import PARAPHRASES, evaluate_cache

    if not evaluate_cache(console, settings(), data, split, paraphrases or PARAPHRASES, out):
        raise typer.Exit(1)


@eval_app.command("questions")
def eval_questions(
    file: Annotated[Path, typer.Argument(help="A question set as JSON, or a folder with queries.jsonl and qrels.tsv.")],
    strategy: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    out: Annotated[Path, typer.Option(help="Where the reports go.")] = Path("reports"),
    gate: Annotated[Path | None, typer.Option(help="Fail where quality fell below this earlier report.")] = None,
) -> None:
    """Ask your organisation's own questions by every strategy, print and write what was measured."""
    from scripts.api import signed_in
    from scripts.evaluate.command import evaluate_questions

    async def work() -> bool:
        async with signed_in(settings()) as api:
            return await evaluate_questions(api, console, file, strategy or [], out, gate)

    if not run(work()):
        raise typer.Exit(1)


@models_app.command("list")
def models_list() -> None:
    """Print the known weights and which are installed."""
    from scripts.models import list_weights

    list_weights(settings(), console)


@models_app.command("routes")
def models_routes() -> None:
    """Print the models that are in service, and which of them answers what."""
    from scripts.models import show_routes

    if not run(show_routes(settings(), console)):
        raise typer.Exit(1)


@models_app.command("install")
def models_install(name: str) -> None:
    """Fetch weights, check their hash, put them in place and make them ready for this machine."""
    from scripts.models import install

    try:
        install(settings(), name, console)
    except (WeightsError, WeightsMissingError) as error:
        _fail(str(error))


@models_app.command("status")
def models_status() -> None:
    """Say which embedding model searches use, and how far a change of it is."""
    from scripts.embedding_switch import print_status, status

    print_status(run(status(settings())), console)


@models_app.command("forget")
def models_forget() -> None:
    """Delete the indexes of former embedding models; switching back embeds everything anew then."""
    from scripts.embedding_switch import forget

    console.print(f"{run(forget(settings()))} former indexes will be deleted within minutes.", highlight=False)


@models_app.command("optimize")
def models_optimize(
    data: Annotated[
        Path | None, typer.Option(envvar="FOOTNOTE_DATA", help="A folder with retrieval/scifact; else the handbook.")
    ] = None,
    documents: Annotated[int, typer.Option(min=100, help="SciFact's documents that are encoded.")] = 1000,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each backend is measured.")] = 2,
) -> None:
    """Measure every embedding backend on this machine and say which pass the quality gate."""
    from scripts.optimize import optimize

    try:
        report = optimize(settings(), data, documents, rounds, console)
    except (WeightsError, WeightsMissingError) as error:
        _fail(str(error))
    else:
        console.print(report.read_text(), markup=False, highlight=False)
        console.print(f"The report is {str(report)!r}, with JSON beside it.", highlight=False)
