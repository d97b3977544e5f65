"""What asking a collection's questions through the chat came to."""

from pydantic import BaseModel, Field

from libs.contracts.evaluation import Latency


class MeasuredShare(BaseModel):
    """A mean over `questions` questions with its bootstrap interval (percentiles, 95 %)."""

    value: float
    low: float
    high: float
    questions: int


class CurvePoint(BaseModel):
    """What holds where every answer with less confidence than `threshold` is refused instead.

    `coverage` is the share of all questions that are answered, `risk` the share of those answers that are wrong;
    `right` the share of the answerable questions answered right, `refused` the share of the unanswerable refused.
    """

    threshold: float
    coverage: float
    risk: float
    right: float | None
    refused: float | None


class PoorAnswer(BaseModel):
    """`why` names the measure, `value` is what it came to."""

    id: str
    why: str
    value: float
    question: str
    answer: str
    expected: list[str]
    confidence: float


class AnswerReport(BaseModel):
    """`corpus` and `asked` say which reports may be compared; `judged` is a digest of each question with its answers.

    `coverage` is the share of the questions that were answered, `cached` the share that an earlier answer was given to.
    `per_question` holds each measure's value of each question that it applies to. `at_right` is the point of the curve
    with the most refusals that still answers `wanted_right` of the answerable questions right; none where it answers
    fewer. `area` is the mean risk over the curve's coverages. `failed` counts questions by the error they ended in.
    `unasked` counts those that weren't asked, by why. `documents` is None where nobody counted them.
    """

    dataset: str
    corpus: str
    asked: str
    generator: str | None
    documents: int | None
    questions: int
    made_at: str
    coverage: float
    cached: float
    outcomes: dict[str, int]
    models: dict[str, int]
    degraded: dict[str, int]
    measures: dict[str, MeasuredShare]
    per_question: dict[str, dict[str, float]]
    latency_ms: Latency | None
    curve: list[CurvePoint] = Field(default_factory=list[CurvePoint])
    wanted_right: float
    at_right: CurvePoint | None = None
    area: float | None = None
    failed: dict[str, int] = Field(default_factory=dict[str, int])
    unasked: dict[str, int] = Field(default_factory=dict[str, int])
    judged: dict[str, str] = Field(default_factory=dict[str, str])
    worst: list[PoorAnswer] = Field(default_factory=list[PoorAnswer])
