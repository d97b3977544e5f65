"""The evaluations as the command line runs them."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from libs.config.settings import load_settings
from scripts.api import ApiError
from scripts.evaluate.dataset import read_dataset
from scripts.evaluate.report import fallen, print_summary, read_baseline, summary, write
from scripts.evaluate.retrieval import STRATEGIES, collection, measure
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
    unknown = [name for name in strategies if name not in STRATEGIES]
    if unknown:
        raise ApiError(f"There is no strategy {unknown[0]!r}. Use one of: {', '.join(STRATEGIES)}.")
    dataset = read_dataset(data, split)
    baseline = read_baseline(gate) if gate else None
    async with (
        installation(load_settings(), console) as settings,
        collection(settings, dataset, console, fresh=fresh) as api,
    ):
        measured = await measure(api, dataset, strategies or list(STRATEGIES), console)
    found = summary(dataset, measured)
    print_summary(found, console)
    for file in write(found, out):
        console.print(f"Written: {file}", highlight=False)
    drops = fallen(found, baseline) if baseline else []
    for drop in drops:
        console.print(f"Worse than the baseline: {drop}", style="red", highlight=False)
    if baseline and not drops:
        console.print("Not worse than the baseline.")
    return not drops
