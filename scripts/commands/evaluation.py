"""`footnote eval …`: quality."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from scripts.commands.running import console, fail, run, settings

app = typer.Typer(no_args_is_help=True, help="Quality, measured on judged questions.")


@app.command("retrieval")
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


@app.command("answers")
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
    caution: Annotated[
        Literal["low", "normal", "high"], typer.Option(help="How sure an answer must be to be given.")
    ] = "normal",
    injected: Annotated[
        Literal["mark", "lower", "drop"], typer.Option(help="What becomes of passages that give instructions.")
    ] = "drop",
    at_once: Annotated[int, typer.Option(min=1, max=32, help="Questions that are under way at a time.")] = 4,
    out: Annotated[Path, typer.Option(help="Where the reports go.")] = Path("reports"),
    gate: Annotated[Path | None, typer.Option(help="Fail where answers are worse than in this earlier report.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Upload the documents anew.")] = False,
) -> None:
    """Ask a collection's questions through the chat, print and write how good the answers are."""
    from scripts.evaluate.answers.asking import UNCACHED, Asking
    from scripts.evaluate.answers.command import KINDS, Wanted, evaluate_answers

    if kind not in KINDS:
        fail(f"There is no kind {kind!r}. Use one of: {', '.join(KINDS)}.")
    wanted = Wanted(data, kind, split, corpus, noise, terms, limit, seed)
    asking = Asking(generator, at_once, UNCACHED.model_copy(update={"caution": caution, "injected": injected}))
    if not run(evaluate_answers(console, wanted, asking, out, gate, fresh=fresh)):
        raise typer.Exit(1)


@app.command("chunking")
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


@app.command("cache")
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


@app.command("questions")
def eval_questions(
    file: Annotated[Path, typer.Argument(help="A question set as JSON, or a folder with queries.jsonl and qrels.tsv.")],
    strategy: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    out: Annotated[Path, typer.Option(help="Where the reports go.")] = Path("reports"),
    gate: Annotated[Path | None, typer.Option(help="Fail where quality fell below this earlier report.")] = None,
    answers: Annotated[
        bool, typer.Option("--answers", help="Ask the chat instead of the search, also what no document answers.")
    ] = False,
) -> None:
    """Ask your organisation's own questions by every strategy, print and write what was measured."""
    from scripts.api import signed_in

    if answers and strategy:
        fail("--answers asks the chat, which has one strategy: leave --strategy out.")

    async def work() -> bool:
        async with signed_in(settings()) as api:
            if answers:
                from scripts.evaluate.answers.own import evaluate_own_answers

                return await evaluate_own_answers(api, settings(), console, file, out, gate)
            from scripts.evaluate.command import evaluate_questions

            return await evaluate_questions(api, console, file, strategy or [], out, gate)

    if not run(work()):
        raise typer.Exit(1)
