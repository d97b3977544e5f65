"""A report of answers as an HTML page that needs nothing from elsewhere."""

import html

from libs.contracts.answer_evaluation import AnswerReport, PoorAnswer
from libs.contracts.evaluation import Verdict
from libs.evaluation.answer_reporting import DREADED, MEASURES, answer_lines, answer_notes, documents_of
from libs.evaluation.page import STYLE, gate_section
from libs.evaluation.plots import refusal_plot, risk_plot

ANSWER_SHOWN = 600


def render_answer_page(report: AnswerReport, verdict: Verdict | None = None) -> str:
    """Everything that came from people or documents is escaped."""
    name = html.escape(report.dataset)
    by = f" by {html.escape(report.generator)}" if report.generator else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Answers on {name}</title><style>{STYLE}</style></head><body>
<h1>Answers on {name}</h1>
<p>{documents_of(report)}{report.questions:,} questions ({html.escape(report.asked)}){by},
{html.escape(report.made_at)}. Means over questions with 95 % intervals from the bootstrap.</p>
{"".join(f"<p>{html.escape(line)}</p>" for line in answer_lines(report))}
{_notes(report)}
{_measures(report)}
{_plots(report)}
{gate_section(verdict, "measure") if verdict else ""}
<h2>Poorest answers</h2>
{"".join(_poor(one) for one in report.worst) or '<p class="quiet">None.</p>'}
</body></html>
"""


def _notes(report: AnswerReport) -> str:
    return "".join(f'<p class="fallen">{html.escape(note)}</p>' for note in answer_notes(report))


def _measures(report: AnswerReport) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(name)}{' (less is better)' if name in DREADED else ''}"
        f'<span class="interval">{html.escape(MEASURES[name])}</span></th>'
        f'<td>{one.value:.4f}<span class="interval">{one.low:.3f} to {one.high:.3f}</span></td>'
        f"<td>{one.questions:,}</td><td>{report.coverage:.1%}</td></tr>"
        for name, one in report.measures.items()
    )
    head = "<th>measure</th><th>mean</th><th>questions</th><th>coverage</th>"
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>{rows}</table></div>'


def _plots(report: AnswerReport) -> str:
    if not report.curve:
        return ""
    plots = risk_plot(report.curve) + refusal_plot(report.curve, report.wanted_right)
    return (
        f'<h2>Risk and coverage</h2><div class="plots">{plots}</div><p class="quiet">The dot is what was '
        "measured; the line to it is what refusing the least confident answers too would come to.</p>"
    )


def _poor(one: PoorAnswer) -> str:
    answer = one.answer if len(one.answer) <= ANSWER_SHOWN else one.answer[: ANSWER_SHOWN - 1] + "…"
    expected = f"; expected: {html.escape(' / '.join(one.expected))}" if one.expected else ""
    return (
        f"<details><summary>{html.escape(one.why)} {one.value:.2f} · {html.escape(one.question)}</summary>"
        f"<p>{html.escape(answer) or 'nothing'}<br>"
        f'<span class="quiet">confidence {one.confidence:.3f}{expected}</span></p>'
        "</details>"
    )
