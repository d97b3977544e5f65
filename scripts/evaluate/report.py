"""What an evaluation found: on the screen, as JSON to compare with later, as an HTML page with plots."""

import re
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from libs.contracts.evaluation import EvaluationReport, Interval, Item, Verdict
from libs.evaluation.folder_format import first_finding
from libs.evaluation.measures import HEADLINE, MEASURES
from libs.evaluation.page import render_page
from libs.evaluation.reporting import Collection, Measured, make_report
from scripts.api import ApiError
from scripts.evaluate.dataset import Dataset

SHOWN_CHARS = 160


def summary(dataset: Dataset, measured: list[Measured]) -> EvaluationReport:
    """Everything measured; per-question values are what a later gate compares with."""
    titles = {document.id: document.title for document in dataset.documents}
    return make_report(
        Collection(dataset.name, dataset.fingerprint, len(dataset.documents)),
        dataset.questions,
        measured,
        lambda name: Item(external_id=name, title=titles.get(name) or None),
        datetime.now(UTC),
    )


def print_summary(found: EvaluationReport, console: Console) -> None:
    console.print(
        f"{found.dataset}: {found.documents:,} documents, {found.questions} questions; "
        "95 % confidence intervals from the bootstrap",
        markup=False,
        highlight=False,
    )
    if found.unresolved:
        console.print(
            f"{sum(found.unresolved.values())} judgements name what isn't there; they count as not found.",
            style="yellow",
            highlight=False,
        )
    table = Table()
    table.add_column("strategy")
    for name in MEASURES:
        table.add_column(name, justify="right")
    table.add_column("median ms", justify="right")
    for one in found.strategies:
        cells = [_interval(one.measures[name], with_bounds=name == HEADLINE) for name in MEASURES]
        label = one.strategy + (f" (degraded: {', '.join(one.degraded)})" if one.degraded else "")
        table.add_row(label, *cells, f"{one.latency_ms.p50:.0f}")
    console.print(table)
    for one in found.comparisons:
        console.print(
            f"{one.strategy} against {one.against}: {one.difference:+.4f} {HEADLINE}, p = {one.p:.3f} "
            "(paired bootstrap, one-sided)",
            highlight=False,
        )
    if found.strategies:
        last = found.strategies[-1]
        console.print(f"Worst questions of {last.strategy}:", highlight=False)
        for worst in last.worst:
            console.print(f"  {worst.value:.2f}  {worst.text[:SHOWN_CHARS]}", markup=False, highlight=False)


def print_verdict(verdict: Verdict, console: Console) -> None:
    for reason in verdict.reasons:
        console.print(f"Worse than the baseline: {reason}", style="red", highlight=False)
    if verdict.passed:
        console.print("Not worse than the baseline.")


def write(found: EvaluationReport, folder: Path, verdict: Verdict | None = None) -> list[Path]:
    """`retrieval-DATASET.json` and `.html` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "retrieval-" + re.sub(r"[^\w.-]+", "-", found.dataset)
    data, page = folder / f"{name}.json", folder / f"{name}.html"
    data.write_text(found.model_dump_json(indent=1), encoding="utf-8")
    page.write_text(render_page(found, verdict), encoding="utf-8")
    return [data, page]


def read_baseline(file: Path) -> EvaluationReport:
    """Raises ApiError."""
    try:
        return EvaluationReport.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ApiError(f"{file} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        raise ApiError(f"{file} isn't a report of an earlier run: {first_finding(error)[1]}.") from error


def _interval(value: Interval, *, with_bounds: bool) -> str:
    return f"{value.value:.4f} ({value.low:.3f} to {value.high:.3f})" if with_bounds else f"{value.value:.4f}"
