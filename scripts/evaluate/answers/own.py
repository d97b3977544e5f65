"""`footnote eval questions FILE --answers`: an organisation's own questions through its chat, as it answers people."""

from pathlib import Path

from rich.console import Console

from libs.config.settings import Settings
from libs.contracts.evaluation import NewQuestionSet, Question
from libs.evaluation.expected_answers import Expected
from scripts.api import Api
from scripts.evaluate.answers.asking import Asking
from scripts.evaluate.answers.collection import AnswerSet, AskedQuestion
from scripts.evaluate.answers.command import measure_answers
from scripts.evaluate.answers.report import ANSWERS
from scripts.evaluate.questions import put_set, read_questions


async def evaluate_own_answers(
    api: Api, settings: Settings, console: Console, file: Path, out: Path, gate: Path | None
) -> bool:
    """False where answers are worse than the gate's. The set of that name is made or replaced. Raises ApiError."""
    questions = read_questions(file)
    baseline = ANSWERS.read(gate) if gate else None
    found = answer_set(questions, await put_set(api, questions))
    report = await measure_answers(api, settings, found, Asking(), console)
    return ANSWERS.conclude(report, baseline, out, console)


def answer_set(questions: NewQuestionSet, set_id: str) -> AnswerSet:
    """The set as it is asked; its documents are those that the organisation has."""
    return AnswerSet(questions.name, set_id, "its own questions", [], [_asked(one) for one in questions.questions], {})


def _asked(question: Question) -> AskedQuestion:
    expected = Expected((tuple(question.answers),)) if question.answers else Expected()
    relevant = [one.external_id or str(one.document_id) for one in question.relevant if one.grade]
    return AskedQuestion(question.name, question.query, expected, question.answerable, frozenset(relevant))
