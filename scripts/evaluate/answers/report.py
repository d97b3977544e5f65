"""What an evaluation of answers found: on the screen, as JSON to compare with later, as an HTML page with plots."""

import re
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from libs.contracts.answer_evaluation import AnswerReport
from libs.contracts.evaluation import Verdict
from libs.evaluation.answer_page import render_answer_page
from libs.evaluation.answer_reporting import answer_lines, answer_notes
from libs.evaluation.folder_format import first_finding
from scripts.api import ApiError

SHOWN_CHARS = 110


def print_answers(found: AnswerReport, console: Console) -> None:
    def say(text: str, style: str | None = None) -> None:
        console.print(text, style=style, markup=False, highlight=False)

    say(
        f"{found.dataset}: {found.documents:,} documents, {found.questions:,} questions ({found.asked}); "
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


def write_answers(found: AnswerReport, folder: Path, verdict: Verdict | None = None) -> list[Path]:
    """`answers-DATASET.json` and `.html` in the folder; what was asked otherwise than usual is in the name too."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = ["answers", found.dataset, *([] if found.asked == "its own questions" else [found.asked])]
    name = re.sub(r"[^\w.-]+", "-", "-".join([*parts, *([found.generator] if found.generator else [])]))
    data, page = folder / f"{name}.json", folder / f"{name}.html"
    data.write_text(found.model_dump_json(indent=1), encoding="utf-8")
    page.write_text(render_answer_page(found, verdict), encoding="utf-8")
    return [data, page]


def read_answer_baseline(file: Path) -> AnswerReport:
    """Raises ApiError."""
    try:
        return AnswerReport.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ApiError(f"{file} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        raise ApiError(f"{file} isn't a report of earlier answers: {first_finding(error)[1]}.") from error


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else line[: SHOWN_CHARS - 1] + "…"
