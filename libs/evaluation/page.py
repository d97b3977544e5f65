"""A report as an HTML page that needs nothing from elsewhere."""

import html

from libs.contracts.evaluation import EvaluationReport, Interval, Item, StrategyReport, Verdict
from libs.evaluation.measures import HEADLINE, MEASURES
from libs.evaluation.plots import interval_plot, spread_plot
from libs.evaluation.reporting import DEPTH

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;margin:1rem 0}.wide{overflow-x:auto}
td,th{border:1px solid #d0d7de;padding:.3rem .6rem;text-align:right;white-space:nowrap}
th:first-child{text-align:left}thead th{background:#f6f8fa}.interval{color:#57606a;font-size:.85em;display:block}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem}svg{width:100%;height:auto}
.fallen{color:#b42318;font-weight:600}.quiet{color:#57606a}li{margin:.4rem 0}summary{cursor:pointer}
"""


def render_page(report: EvaluationReport, verdict: Verdict | None = None) -> str:
    """Everything that came from people or documents is escaped."""
    name = html.escape(report.dataset)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Retrieval on {name}</title><style>{STYLE}</style></head><body>
<h1>Retrieval on {name}</h1>
<p>{_counted(report.documents, "document")}, {_counted(report.questions, "question")}, {html.escape(report.made_at)}.
Means over the questions with 95 % intervals from the bootstrap.</p>
{_notes(report)}
{_measures(report)}
<div class="plots">{interval_plot(report)}{spread_plot(report)}</div>
{gate_section(verdict, "strategy") if verdict else ""}
{_comparisons(report)}
<h2>Worst questions</h2>
<p class="quiet">{HEADLINE}, the question, the ranks of what is relevant (— is not among the first {DEPTH}), and what
came first.</p>
{"".join(_worst(one, last=one is report.strategies[-1]) for one in report.strategies)}
</body></html>
"""


def label(item: Item) -> str:
    """What a person knows it by: the title and the organisation's own name for it."""
    named = [text for text in (item.title, item.external_id) if text]
    if item.title and item.external_id and item.title != item.external_id:
        return f"{item.title} ({item.external_id})"
    return named[0] if named else "a document that isn't yours to read"


def gate_section(verdict: Verdict, of: str) -> str:
    """A row for each `of` that was compared with the baseline."""
    rows = "".join(
        f"<tr{' class=fallen' if one.fallen else ''}><th>{html.escape(one.strategy)}</th><td>{one.questions}</td>"
        f"<td>{one.difference:+.4f}</td><td>{one.p_better:.4f}</td></tr>"
        for one in verdict.changes
    )
    said = "Not worse than the baseline." if verdict.passed else "Worse than the baseline."
    return (
        f'<h2>Gate</h2><p class="{"quiet" if verdict.passed else "fallen"}">{said}</p>'
        f"<table><thead><tr><th>{of}</th><th>questions</th><th>difference</th><th>p that it isn't worse</th></tr>"
        f"</thead>{rows}</table>"
    )


def _notes(report: EvaluationReport) -> str:
    notes: list[str] = []
    if report.unresolved:
        judgements, questions = sum(report.unresolved.values()), len(report.unresolved)
        notes.append(
            f"{_counted(judgements, 'judgement')} of {_counted(questions, 'question')} name what isn't there "
            "or isn't yours to read; they count as not found."
        )
    if report.unanswerable:
        notes.append(f"{_counted(report.unanswerable, 'question')} that no document answers: not searched for.")
    if report.changed_meanwhile:
        notes.append("Documents changed while the questions were asked.")
    notes += [
        f"{html.escape(one.strategy)} was degraded: {html.escape(', '.join(one.degraded))}."
        for one in report.strategies
        if one.degraded
    ]
    return "".join(f'<p class="fallen">{note}</p>' for note in notes)


def _measures(report: EvaluationReport) -> str:
    head = "".join(f"<th>{name}</th>" for name in (*MEASURES, "p50 ms", "p95 ms"))
    rows = "".join(
        f"<tr><th>{html.escape(one.strategy)}</th>"
        + "".join(f"<td>{_interval(one.measures[name])}</td>" for name in MEASURES)
        + f"<td>{one.latency_ms.p50:.0f}</td><td>{one.latency_ms.p95:.0f}</td></tr>"
        for one in report.strategies
    )
    return f'<div class="wide"><table><thead><tr><th>strategy</th>{head}</tr></thead>{rows}</table></div>'


def _interval(value: Interval) -> str:
    return f'{value.value:.4f}<span class="interval">{value.low:.3f} to {value.high:.3f}</span>'


def _comparisons(report: EvaluationReport) -> str:
    if not report.comparisons:
        return ""
    rows = "".join(
        f"<tr><th>{html.escape(one.strategy)}</th><td>{html.escape(one.against)}</td>"
        f"<td>{one.difference:+.4f}</td><td>{one.p:.4f}</td></tr>"
        for one in report.comparisons
    )
    return (
        f"<h2>Compared</h2><p>Paired bootstrap over questions, {HEADLINE}, one-sided.</p>"
        f"<table><thead><tr><th>strategy</th><th>against</th><th>difference</th><th>p</th></tr></thead>{rows}</table>"
    )


def _worst(one: StrategyReport, *, last: bool) -> str:
    """Open for the last strategy, which is the one in use."""
    questions = "".join(
        f"<li>{item.value:.2f} · {html.escape(item.text)}"
        f'<br><span class="quiet">relevant at {_ranks(one.ranks.get(item.id, []))}; '
        f"found {html.escape('; '.join(label(found) for found in item.found) or 'nothing')}</span></li>"
        for item in one.worst
    )
    head = f"<summary><b>{html.escape(one.strategy)}</b></summary>"
    return f"<details{' open' if last else ''}>{head}<ol>{questions}</ol></details>"


def _ranks(ranks: list[int | None]) -> str:
    return ", ".join(str(rank) if rank else "—" for rank in ranks)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
