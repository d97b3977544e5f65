"""What refusing the least confident answers would cost and save (El-Yaniv and Wiener 2010)."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.contracts.answer_evaluation import CurvePoint


@dataclass(frozen=True)
class Attempt:
    """One question: whether the documents answer it, whether it was answered, and rightly, with what confidence."""

    answerable: bool
    answered: bool
    right: bool
    confidence: float


def risk_coverage(attempts: Sequence[Attempt]) -> list[CurvePoint]:
    """A point for each confidence of an answer, the highest threshold first.

    Questions that were refused stay so: the last point is what was measured. An answer to an unanswerable question is
    a wrong one.
    """
    answerable = sum(one.answerable for one in attempts)
    unanswerable = len(attempts) - answerable
    answers = sorted((one for one in attempts if one.answered), key=lambda one: -one.confidence)
    points: list[CurvePoint] = []
    right = misled = 0
    for place, one in enumerate(answers, 1):
        right += one.right and one.answerable
        misled += not one.answerable
        if place < len(answers) and answers[place].confidence == one.confidence:
            continue
        points.append(
            CurvePoint(
                threshold=one.confidence,
                coverage=place / len(attempts),
                risk=1 - right / place,
                right=right / answerable if answerable else None,
                refused=1 - misled / unanswerable if unanswerable else None,
            )
        )
    return points


def point_at(points: Sequence[CurvePoint], wanted_right: float) -> CurvePoint | None:
    """The first that answers so many of the answerable questions right; later ones refuse no more."""
    return next((one for one in points if one.right is not None and one.right >= wanted_right), None)


def area(points: Sequence[CurvePoint]) -> float | None:
    """The mean risk over coverage, from none to what was answered; None without answers."""
    if not points:
        return None
    covered = total = 0.0
    for one in points:
        total += one.risk * (one.coverage - covered)
        covered = one.coverage
    return total / covered
