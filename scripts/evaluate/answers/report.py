"""What an evaluation of answers found."""

from rich.console import Console
from rich.table import Table

from libs.contracts.answer_evaluation import AnswerReport
from libs.evaluation.answer_gate import judge_answers
from libs.evaluation.answer_page import render_answer_page
from libs.evaluation.answer_reporting import answer_lines, answer_notes, documents_of
from scripts.evaluate.report_kinds import ReportKind

SHOWN_CHARS = 110


def print_answers(found: AnswerReport, console: Console) -> None:
    def say(text: str, style: str | None = None) -> None:
        console.print(text, style=style, markup=False, highlight=False)

    say(
        f"{found.dataset}: {documents_of(found)}{found.questions:,} questions ({found.asked}); "
        "95 % confidence intervals from the bootstrap"
    )
    for note in answer_notes(found):
        say(note, "yellow")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("measure", no_wrap=True)
    for name in ("mean", "95 %", "questions", "coverage"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, one in found.measures.items():
        interval = f"{one.low:.3f}-{one.high:.3f}"
        table.add_row(name, f"{one.value:.4f}", interval, f"{one.questions:,}", f"{found.coverage:.1%}")
    console.print(table)
    for line in answer_lines(found):
        say(line)
    if found.worst:
        say("Poorest answers:")
    for worst in found.worst:
        say(f"  {worst.why} {worst.value:.2f}  {_line(worst.question)}")


def _stem(found: AnswerReport) -> str:
    """What was asked otherwise than usual is in the name too."""
    asked = [] if found.asked == "its own questions" else [found.asked]
    return "-".join(["answers", found.dataset, *asked, *([found.generator] if found.generator else [])])


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else line[: SHOWN_CHARS - 1] + "…"


ANSWERS = ReportKind(
    AnswerReport,
    noun="a report of earlier answers",
    stem=_stem,
    show=print_answers,
    render=render_answer_page,
    judge=judge_answers,
)
