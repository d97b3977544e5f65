"""The evaluations as the command line runs them."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from libs.config.settings import load_settings
from libs.contracts.evaluation import STRATEGIES, SearchStrategy
from scripts.api import Api, ApiError
from scripts.evaluate.dataset import read_dataset
from scripts.evaluate.questions import evaluate, read_questions
from scripts.evaluate.report import RETRIEVAL, summary
from scripts.evaluate.retrieval import collection, measure
from scripts.stage import installation


async def evaluate_retrieval(
    console: Console,
    data: Path,
    split: str | None,
    strategies: Sequence[str],
    out: Path,
    gate: Path | None,
    *,
    fresh: bool,
) -> bool:
    """False where quality fell below the gate's. Raises ApiError."""
    chosen = _chosen(strategies)
    dataset = read_dataset(data, split)
    baseline = RETRIEVAL.read(gate) if gate else None
    async with (
        installation(load_settings(), console) as settings,
        collection(settings, dataset, console, fresh=fresh) as api,
    ):
        measured = await measure(api, dataset, chosen, console)
    return RETRIEVAL.conclude(summary(dataset, measured), baseline, out, console)


async def evaluate_questions(
    api: Api, console: Console, file: Path, strategies: Sequence[str], out: Path, gate: Path | None
) -> bool:
    """False where quality fell below the gate's. Raises ApiError."""
    chosen = _chosen(strategies)
    questions = read_questions(file)
    baseline = RETRIEVAL.read(gate) if gate else None
    return RETRIEVAL.conclude(await evaluate(api, questions, chosen, console), baseline, out, console)


def _chosen(names: Sequence[str]) -> list[SearchStrategy]:
    """All of them without names."""
    unknown = [name for name in names if name not in STRATEGIES]
    if unknown:
        raise ApiError(f"There is no strategy {unknown[0]!r}. Use one of: {', '.join(STRATEGIES)}.")
    return [strategy for strategy in STRATEGIES if strategy in names or not names]
