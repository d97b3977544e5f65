"""The front door of the operator's commands: `footnote <command>`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from scripts.commands import admin, bench, evaluation, models
from scripts.commands.running import console, fail, run, settings

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Run Footnote and talk to it.")
app.add_typer(admin.app, name="admin")
app.add_typer(evaluation.app, name="eval")
app.add_typer(bench.app, name="bench")
app.add_typer(models.app, name="models")


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


Category = Annotated[str | None, typer.Option(help="The documents' category.")]
Readers = Annotated[
    Literal["private", "organization", "public"] | None, typer.Option("--access", help="Who may read the documents.")
]
Tagged = Annotated[list[str] | None, typer.Option("--tag", help="A tag of the documents; may be given several times.")]


def said_of_each(category: str | None, access: str | None, tags: list[str] | None) -> dict[str, Any]:
    """What is said of each document that is sent; nothing of what wasn't given, so that it stays as it was."""
    said = {"category": category, "access": access, "tags": tags}
    return {name: value for name, value in said.items() if value}


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    category: Category = None,
    access: Readers = None,
    tag: Tagged = None,
) -> None:
    """Upload files and folders and wait until they are searchable."""
    from scripts.api import signed_in
    from scripts.ingest import ingest as upload
    from scripts.ingest import print_report

    async def work() -> None:
        async with signed_in(settings()) as api:
            report = await upload(api, paths, console, said_of_each(category, access, tag))
        print_report(report, console)
        if report.failed:
            raise typer.Exit(1)

    run(work())


@app.command()
def sync(
    path: Annotated[Path, typer.Argument(help="A folder or a Git checkout.")],
    name: Annotated[str | None, typer.Option(help="The source's name; without it, the folder's.")] = None,
    category: Category = None,
    access: Readers = None,
    tag: Tagged = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Delete all when no file is left.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="The folder takes the place of another of its name.")] = False,
) -> None:
    """Add, update, move and delete documents as a folder's files are now."""
    from scripts.api import signed_in
    from scripts.sync import print_sync
    from scripts.sync import sync as bring_in_step
    from scripts.sync_roots import SyncedRoots

    async def work() -> None:
        fields = said_of_each(category, access, tag)
        options: dict[str, Any] = {"dry_run": dry_run, "allow_empty": allow_empty, "yes": yes}
        roots = SyncedRoots.of(settings())
        async with signed_in(settings()) as api:
            report = await bring_in_step(api, path, console, roots=roots, name=name, fields=fields, **options)
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
        fail(str(error))


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
