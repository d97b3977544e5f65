"""`footnote bench …`: speed."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.commands.running import console, run

app = typer.Typer(no_args_is_help=True, help="Speed, as ratios to a floor measured in the same run.")


@app.command("embed")
def bench_embed() -> None:
    """The embedding service beside plain SentenceTransformer.encode."""
    from scripts.bench.embed import bench_embed as measure

    run(measure(console))


@app.command("rerank")
def bench_rerank() -> None:
    """Reranking fifty passages, encoded anew and by stored token vectors."""
    from scripts.bench.embed import bench_rerank as measure

    run(measure(console))


@app.command("ingest")
def bench_ingest(
    data: Annotated[
        Path | None, typer.Option(envvar="FOOTNOTE_DATA", help="A folder with retrieval/scifact; else the handbook.")
    ] = None,
) -> None:
    """Documents from being sent to being found, beside encoding the same passages and no more."""
    from scripts.bench.ingest import bench_ingest as measure

    run(measure(console, data))


@app.command("search")
def bench_search() -> None:
    """A search beside a bare FastAPI and Redis route."""
    from scripts.bench.search import bench_search as measure

    run(measure(console))


@app.command("index")
def bench_index() -> None:
    """The passage index with 100,000 passages beside 1,000, and its recall."""
    from scripts.bench.index import bench_index as measure

    run(measure(console))


@app.command("scale")
def bench_scale() -> None:
    """A whole search over 100,000 passages beside one over 1,000."""
    from scripts.bench.scale import bench_scale as measure

    run(measure(console))


@app.command("chat")
def bench_chat(
    rounds: Annotated[int, typer.Option(min=1, help="A few will do where a language model answers.")] = 40,
) -> None:
    """An answer beside a bare route, and beside the engine called directly."""
    from scripts.bench.chat import bench_chat as measure

    run(measure(console, rounds))


@app.command("generate")
def bench_generate(
    model: Annotated[str, typer.Option(help="smollm2 or qwen, which must be installed.")] = "smollm2",
    rounds: Annotated[int, typer.Option(min=1)] = 5,
) -> None:
    """A local model's engine beside transformers' generate, itself with one stream, and itself over HTTP."""
    from scripts.bench.generate import bench_generate as measure

    run(measure(console, rounds, model))


@app.command("all")
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
