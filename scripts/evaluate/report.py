"""What an evaluation of retrieval found."""

from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from libs.contracts.evaluation import EvaluationReport, Item
from libs.evaluation.gate import judge
from libs.evaluation.measures import HEADLINE, MEASURES
from libs.evaluation.page import render_page
from libs.evaluation.reporting import Collection, Measured, make_report
from scripts.evaluate.dataset import Dataset
from scripts.evaluate.report_kinds import ReportKind

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
        "95 % confidence intervals from the bootstrap; ms is the median search",
        markup=False,
        highlight=False,
    )
    if found.unresolved:
        console.print(
            f"{sum(found.unresolved.values())} judgements name what isn't there; they count as not found.",
            style="yellow",
            highlight=False,
        )
    if found.unanswerable:
        console.print(
            f"{found.unanswerable} questions that no document answers weren't searched for; --answers asks them.",
            style="yellow",
            highlight=False,
        )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("strategy", no_wrap=True)
    for name in (HEADLINE, "95 %", *(name for name in MEASURES if name != HEADLINE), "ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found.strategies:
        headline = one.measures[HEADLINE]
        further = [f"{one.measures[name].value:.4f}" for name in MEASURES if name != HEADLINE]
        interval = f"{headline.low:.3f}-{headline.high:.3f}"
        table.add_row(one.strategy, f"{headline.value:.4f}", interval, *further, f"{one.latency_ms.p50:.0f}")
    console.print(table)
    for one in found.strategies:
        if one.degraded:
            console.print(f"{one.strategy} was degraded: {', '.join(one.degraded)}", style="yellow", markup=False)
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


RETRIEVAL = ReportKind(
    EvaluationReport,
    noun="a report of an earlier run",
    stem=lambda report: f"retrieval-{report.dataset}",
    show=print_summary,
    render=render_page,
    judge=judge,
)
