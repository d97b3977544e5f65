"""`footnote models …`: weights and models."""

from pathlib import Path
from typing import Annotated

import typer

from libs.stores.weights import WeightsError, WeightsMissingError
from scripts.commands.running import console, fail, run, settings

app = typer.Typer(no_args_is_help=True, help="Models: list, install, measure, and the change of the embedding model.")


@app.command("list")
def models_list() -> None:
    """Print the known weights and which are installed."""
    from scripts.models import list_weights

    list_weights(settings(), console)


@app.command("routes")
def models_routes() -> None:
    """Print the models that are in service, and which of them answers what."""
    from scripts.models import show_routes

    if not run(show_routes(settings(), console)):
        raise typer.Exit(1)


@app.command("install")
def models_install(name: str) -> None:
    """Fetch weights, check their hash, put them in place and make them ready for this machine."""
    from scripts.models import install

    try:
        install(settings(), name, console)
    except (WeightsError, WeightsMissingError) as error:
        fail(str(error))


@app.command("status")
def models_status() -> None:
    """Say which embedding model searches use, and how far a change of it is."""
    from scripts.embedding_switch import print_status, status

    print_status(run(status(settings())), console)


@app.command("forget")
def models_forget() -> None:
    """Delete the indexes of former embedding models; switching back embeds everything anew then."""
    from scripts.embedding_switch import forget

    console.print(f"{run(forget(settings()))} former indexes will be deleted within minutes.", highlight=False)


@app.command("optimize")
def models_optimize(
    data: Annotated[
        Path | None, typer.Option(envvar="FOOTNOTE_DATA", help="A folder with retrieval/scifact; else the handbook.")
    ] = None,
    documents: Annotated[int, typer.Option(min=100, help="SciFact's documents that are encoded.")] = 1000,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each backend is measured.")] = 2,
) -> None:
    """Measure every embedding backend on this machine; `embedding.backend: auto` takes the best that passes."""
    from scripts.bench.judged import handbook, scifact
    from scripts.optimize import optimize

    try:
        report = optimize(settings(), scifact(data, documents) if data else handbook(), rounds, console)
    except (WeightsError, WeightsMissingError) as error:
        fail(str(error))
    else:
        console.print(report.read_text(), markup=False, highlight=False)
        console.print(f"The report is {str(report)!r}, with JSON beside it.", highlight=False)
