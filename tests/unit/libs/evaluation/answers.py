"""Judged answers for the tests of their report, page and gate."""

from datetime import UTC, datetime

from libs.contracts.answer_evaluation import AnswerReport
from libs.evaluation.answer_reporting import AskedOf, JudgedAnswer, make_answer_report
from libs.evaluation.risk_coverage import Attempt


def judged(
    number: int, *, answerable: bool, confidence: float, right: bool = False, text: str = "Why?"
) -> JudgedAnswer:
    """Answered where it has some confidence."""
    answered = confidence > 0
    values = {"right": float(right)} if answerable else {"unanswerable refused": float(not answered)}
    if answered:
        values |= {"citation precision": 1.0, "followed": float(not right)}
    else:
        values["refusals that were due"] = float(not answerable)
    return JudgedAnswer(
        id=f"q{number}",
        question=text,
        answer=text,
        expected=[text],
        digest=str(answerable),
        outcome="answered" if answered else "abstained",
        error="",
        model="extractive" if answered else "none",
        confidence=confidence,
        cached=False,
        degraded=[],
        milliseconds=number,
        values=values,
        attempt=Attempt(answerable, answered, right, confidence),
    )


def report(answers: list[JudgedAnswer], corpus: str = "c", asked: str = "its own questions") -> AnswerReport:
    return make_answer_report(AskedOf("d", corpus, asked, 1), answers, datetime.now(UTC))
