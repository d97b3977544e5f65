"""What an evaluation found: on the screen, as JSON to compare with later, as an HTML page with plots."""

import html
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from scripts.api import ApiError
from scripts.evaluate.dataset import Dataset
from scripts.evaluate.measures import HEADLINE, MEASURES, Mean, difference, mean
from scripts.evaluate.retrieval import Measured

WORST = 10
# A drop this unlikely to be chance fails the gate.
SIGNIFICANT = 0.05
SHOWN_CHARS = 160


def summary(dataset: Dataset, measured: Sequence[Measured]) -> dict[str, Any]:
    """Everything measured, ready for JSON; per-question values are what a later gate compares with."""
    texts = {query.id: query.text for query in dataset.queries}
    return {
        "dataset": dataset.name,
        "corpus": dataset.fingerprint,
        "documents": len(dataset.documents),
        "questions": len(dataset.queries),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "strategies": [_strategy(one, texts) for one in measured],
        "comparisons": _comparisons(measured),
    }


def print_summary(found: dict[str, Any], console: Console) -> None:
    console.print(
        f"{found['dataset']}: {found['documents']:,} documents, {found['questions']} questions; "
        "95 % confidence intervals from the bootstrap",
        highlight=False,
    )
    table = Table()
    table.add_column("strategy")
    for name in MEASURES:
        table.add_column(name, justify="right")
    table.add_column("median ms", justify="right")
    for one in found["strategies"]:
        cells = [_interval(Mean(**one["measures"][name]), with_bounds=name == HEADLINE) for name in MEASURES]
        label = one["strategy"] + (f" (degraded: {', '.join(one['degraded'])})" if one["degraded"] else "")
        table.add_row(label, *cells, f"{one['latency_ms']['p50']:.0f}")
    console.print(table)
    for one in found["comparisons"]:
        console.print(
            f"{one['strategy']} against {one['against']}: {one['difference']:+.4f} {HEADLINE}, p = {one['p']:.3f} "
            "(paired bootstrap, one-sided)",
            highlight=False,
        )
    if found["strategies"]:
        last = found["strategies"][-1]
        console.print(f"Worst questions of {last['strategy']}:", highlight=False)
        for worst in last["worst"]:
            console.print(f"  {worst['value']:.2f}  {worst['text'][:SHOWN_CHARS]}", markup=False, highlight=False)


def write(found: dict[str, Any], folder: Path) -> list[Path]:
    """`retrieval-DATASET.json` and `.html` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"retrieval-{found['dataset']}"
    data, page = folder / f"{name}.json", folder / f"{name}.html"
    data.write_text(json.dumps(found, indent=1), encoding="utf-8")
    page.write_text(_page(found), encoding="utf-8")
    return [data, page]


def fallen(found: dict[str, Any], baseline: dict[str, Any]) -> list[str]:
    """The strategies that are worse than in the baseline beyond noise, each with its figures.

    Questions that both asked are compared. Raises ApiError where the two can't be compared.
    """
    if found["dataset"] != baseline.get("dataset") or found["corpus"] != baseline.get("corpus"):
        raise ApiError("The baseline is of another collection. Make a new one with --out.")
    before = {one["strategy"]: one["per_question"] for one in baseline["strategies"]}
    drops: list[str] = []
    for one in found["strategies"]:
        old, new = before.get(one["strategy"], {}), one["per_question"]
        both = sorted(old.keys() & new.keys())
        if not both:
            raise ApiError(f"The baseline has no question of {one['strategy']} in common with this run.")
        change = difference([new[query] for query in both], [old[query] for query in both])
        if change.p_better < SIGNIFICANT and change.value < 0:
            drops.append(f"{one['strategy']}: {HEADLINE} {change.value:+.4f}, p = {change.p_better:.3f}")
    return drops


def read_baseline(file: Path) -> dict[str, Any]:
    try:
        baseline = json.loads(file.read_text(encoding="utf-8"))
        return {**baseline, "strategies": [*baseline["strategies"]]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ApiError(f"{file} isn't a report of an earlier run: {error}") from error


def _strategy(one: Measured, texts: dict[str, str]) -> dict[str, Any]:
    headline = {query: values[HEADLINE] for query, values in one.scores.items()}
    worst = sorted(headline, key=lambda query: (headline[query], query))[:WORST]
    p50, p95 = np.quantile(one.milliseconds, [0.5, 0.95])
    return {
        "strategy": one.strategy,
        "measures": {name: asdict(mean([values[name] for values in one.scores.values()])) for name in MEASURES},
        "latency_ms": {"p50": float(p50), "p95": float(p95)},
        "degraded": sorted(one.degraded),
        "per_question": headline,
        "worst": [
            {
                "id": query,
                "text": texts[query],
                "value": headline[query],
                "found": one.rankings[query][:5],
            }
            for query in worst
        ],
    }


def _comparisons(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """Each strategy with every one before it."""
    found: list[dict[str, Any]] = []
    for number, one in enumerate(measured):
        for other in measured[:number]:
            change = difference(_values(one), _values(other))
            found.append(
                {
                    "strategy": one.strategy,
                    "against": other.strategy,
                    "difference": change.value,
                    "p": change.p_worse if change.value >= 0 else change.p_better,
                }
            )
    return found


def _values(one: Measured) -> list[float]:
    return [one.scores[query][HEADLINE] for query in sorted(one.scores)]


def _interval(value: Mean, *, with_bounds: bool) -> str:
    return f"{value.value:.4f} ({value.low:.3f} to {value.high:.3f})" if with_bounds else f"{value.value:.4f}"


def _page(found: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(one['strategy'])}</th>"
        + "".join(f"<td>{_interval(Mean(**one['measures'][name]), with_bounds=True)}</td>" for name in MEASURES)
        + f"<td>{one['latency_ms']['p50']:.0f}</td><td>{one['latency_ms']['p95']:.0f}</td></tr>"
        for one in found["strategies"]
    )
    compared = "".join(
        f"<tr><th>{html.escape(one['strategy'])}</th><td>{html.escape(one['against'])}</td>"
        f"<td>{one['difference']:+.4f}</td><td>{one['p']:.4f}</td></tr>"
        for one in found["comparisons"]
    )
    worst = "".join(
        f"<h3>{html.escape(one['strategy'])}</h3><ol>"
        + "".join(f"<li>{item['value']:.2f} — {html.escape(item['text'])}</li>" for item in one["worst"])
        + "</ol>"
        for one in found["strategies"]
    )
    head = "".join(f"<th>{name}</th>" for name in (*MEASURES, "p50 ms", "p95 ms"))
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Retrieval on {html.escape(found["dataset"])}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}}
table{{border-collapse:collapse;margin:1rem 0}}td,th{{border:1px solid #d0d7de;padding:.3rem .6rem;text-align:right}}
th:first-child{{text-align:left}}svg{{max-width:100%;height:auto}}</style>
<h1>Retrieval on {html.escape(found["dataset"])}</h1>
<p>{found["documents"]:,} documents, {found["questions"]} questions, {found["made_at"]}. Means with 95 % intervals.</p>
<table><tr><th>strategy</th>{head}</tr>{rows}</table>
{_plot(found)}
<h2>Compared</h2><p>Paired bootstrap over questions, {HEADLINE}, one-sided.</p>
<table><tr><th>strategy</th><th>against</th><th>difference</th><th>p</th></tr>{compared}</table>
<h2>Worst questions</h2>{worst}
</html>
"""


def _plot(found: dict[str, Any]) -> str:
    """The headline with its intervals, and how it spreads over the questions, as one SVG."""
    # matplotlib takes a second to import and serves nothing else.
    from matplotlib.figure import Figure

    strategies = found["strategies"]
    figure = Figure(figsize=(11, 4), layout="constrained")
    means, spread = figure.subplots(1, 2)
    values = [one["measures"][HEADLINE] for one in strategies]
    places = range(len(strategies))
    means.errorbar(
        [value["value"] for value in values],
        places,
        xerr=[
            [value["value"] - value["low"] for value in values],
            [value["high"] - value["value"] for value in values],
        ],
        fmt="o",
        capsize=4,
    )
    means.set_yticks(places, [one["strategy"] for one in strategies])
    means.invert_yaxis()
    means.set_xlabel(f"{HEADLINE}, 95 % interval")
    for one in strategies:
        spread.ecdf(list(one["per_question"].values()), label=one["strategy"])
    spread.set_xlabel(f"{HEADLINE} of a question")
    spread.set_ylabel("share of questions at most that good")
    spread.legend()
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg")
    svg = drawn.getvalue()
    return svg[svg.index("<svg") :]
