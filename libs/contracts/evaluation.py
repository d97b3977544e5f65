"""Judged questions, runs over them, and what a run measured."""

from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from libs.contracts.knowledge import StoredText

SearchStrategy = Literal["lexical", "vector", "hybrid", "hybrid+rerank"]
STRATEGIES: tuple[SearchStrategy, ...] = get_args(SearchStrategy)
# The search's own strategy, and whether it reranks.
SEARCHED_AS: dict[SearchStrategy, tuple[Literal["lexical", "vector", "hybrid"], bool]] = {
    "lexical": ("lexical", False),
    "vector": ("vector", False),
    "hybrid": ("hybrid", False),
    "hybrid+rerank": ("hybrid", True),
}

SETS_MAX = 50
QUESTIONS_MAX = 1_000
JUDGEMENTS_MAX = 100
JUDGEMENTS_IN_A_SET_MAX = 20_000
QUERY_MAX_CHARS = 2_000
ANSWERS_MAX = 20
SET_NAME_MAX_CHARS = 120
GRADE_MAX = 10


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("is blank")
    return value


SaidText = Annotated[StoredText, AfterValidator(_said)]


ExpectedAnswer = Annotated[SaidText, Field(max_length=QUERY_MAX_CHARS)]


class Judgement(BaseModel):
    """A document, or with `chunk_id` a passage of it, and how relevant it is: above 0 is relevant."""

    model_config = ConfigDict(extra="forbid")

    document_id: UUID | None = None
    external_id: StoredText | None = Field(default=None, min_length=1, max_length=500)
    chunk_id: UUID | None = None
    grade: int = Field(default=1, ge=0, le=GRADE_MAX)

    @model_validator(mode="after")
    def _names_one_document(self) -> "Judgement":
        if (self.document_id is None) == (self.external_id is None):
            raise ValueError("name the document by document_id or by external_id, one of them")
        return self


class Question(BaseModel):
    """Without `id`, the beginning of the query's SHA-256 is its id, so that a set sent again has the same ids.

    Its judgements are of documents, or all of them of passages. `answers` are wordings of what the answer should say.
    Not `answerable` is what the documents don't answer, and so should be refused: it has neither.
    """

    model_config = ConfigDict(extra="forbid")

    id: SaidText | None = Field(default=None, max_length=120)
    query: SaidText = Field(max_length=QUERY_MAX_CHARS)
    answerable: bool = True
    relevant: list[Judgement] = Field(default_factory=list[Judgement], max_length=JUDGEMENTS_MAX, validate_default=True)
    answers: list[ExpectedAnswer] | None = Field(default=None, max_length=ANSWERS_MAX)

    @field_validator("relevant")
    @classmethod
    def _names_what_answers_it(cls, value: list[Judgement], info: ValidationInfo) -> list[Judgement]:
        if info.data.get("answerable", True) and not value:
            raise ValueError("name a document that answers it, or say that it isn't answerable")
        return value

    @model_validator(mode="after")
    def _can_be_measured(self) -> "Question":
        if self.id is None:
            self.id = sha256(self.query.encode()).hexdigest()[:12]
        if not self.answerable:
            if self.relevant or self.answers:
                raise ValueError("answerable: what the documents don't answer has neither relevant nor answers")
            return self
        if not any(one.grade for one in self.relevant):
            raise ValueError("relevant: no judgement has a grade above 0")
        if len({one.chunk_id is None for one in self.relevant}) > 1:
            raise ValueError("relevant: name a chunk_id in every judgement of a question or in none")
        named = [(one.document_id, one.external_id, one.chunk_id) for one in self.relevant]
        if len(set(named)) < len(named):
            raise ValueError("relevant: the same is judged twice")
        return self

    @property
    def name(self) -> str:
        return self.id or ""

    @property
    def of_passages(self) -> bool:
        return bool(self.relevant) and self.relevant[0].chunk_id is not None


class NewQuestionSet(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: SaidText = Field(max_length=SET_NAME_MAX_CHARS)
    questions: list[Question] = Field(min_length=1, max_length=QUESTIONS_MAX)


class NewSetQuestion(BaseModel):
    """A question for the set of that name."""

    model_config = ConfigDict(extra="forbid")

    set_name: SaidText = Field(max_length=SET_NAME_MAX_CHARS)
    question: Question


class QuestionSetSummary(BaseModel):
    """`questions` and `judgements` are counts."""

    set_id: UUID
    name: str
    questions: int
    judgements: int
    created_at: datetime
    updated_at: datetime


class QuestionSetList(BaseModel):
    items: list[QuestionSetSummary]


class QuestionSet(BaseModel):
    set_id: UUID
    name: str
    questions: list[Question]
    created_at: datetime
    updated_at: datetime


class Interval(BaseModel):
    """A mean over questions with its bootstrap interval (percentiles, 95 %)."""

    value: float
    low: float
    high: float


class Latency(BaseModel):
    p50: float
    p95: float


class Item(BaseModel):
    """What was judged or found: a document or one of its passages.

    An organisation's run names only what the reader may read at the moment.
    """

    document_id: UUID | None = None
    external_id: str | None = None
    chunk_id: UUID | None = None
    title: str | None = None


class WorstQuestion(BaseModel):
    """`found` is what came first instead, best first."""

    id: str
    text: str
    value: float
    found: list[Item]


class StrategyReport(BaseModel):
    """`per_question` is each question's nDCG@10, for a later comparison.

    `ranks` gives the rank from 1 of each document or passage judged relevant, in the question's order; null is not
    among the first 100.
    """

    strategy: str
    measures: dict[str, Interval]
    latency_ms: Latency
    degraded: list[str]
    per_question: dict[str, float]
    ranks: dict[str, list[int | None]] = Field(default_factory=dict[str, list[int | None]])
    worst: list[WorstQuestion] = Field(default_factory=list[WorstQuestion])


class Comparison(BaseModel):
    """`p` is one-sided, of the difference that was seen or a larger one."""

    strategy: str
    against: str
    difference: float
    p: float


class EvaluationReport(BaseModel):
    """`corpus` says which reports may be compared; `judged` is a digest of each question with its judgements.

    `unresolved` counts, per question, the judgements that name what isn't there or isn't the asker's to read; they
    count as not found. `unanswerable` counts the questions that weren't searched for, because no document answers
    them. `changed_meanwhile`: documents changed between the first search and the last.
    """

    dataset: str
    corpus: str
    documents: int
    questions: int
    made_at: str
    strategies: list[StrategyReport]
    comparisons: list[Comparison]
    judged: dict[str, str] = Field(default_factory=dict[str, str])
    unresolved: dict[str, int] = Field(default_factory=dict[str, int])
    unanswerable: int = 0
    changed_meanwhile: bool = False


class Change(BaseModel):
    """A strategy against the baseline over the `questions` that both asked; `p_better`: how likely it isn't worse.

    Of answers, `strategy` is a measure.
    """

    strategy: str
    questions: int
    difference: float
    p_better: float
    fallen: bool


class Verdict(BaseModel):
    """Of the gate: failed where a strategy's nDCG@10 fell by more than chance explains, and `reasons` says which."""

    passed: bool
    changes: list[Change]
    reasons: list[str]


class EvaluationRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    strategies: list[SearchStrategy] = Field(default=list(STRATEGIES), min_length=1, max_length=len(STRATEGIES))

    @model_validator(mode="after")
    def _each_once(self) -> "EvaluationRequest":
        self.strategies = [name for name in STRATEGIES if name in self.strategies]
        return self


class EvaluationStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class EvaluationAccepted(BaseModel):
    run_id: UUID
    status: EvaluationStatus


class EvaluationSummary(EvaluationAccepted):
    """`searched` of `searches` are done."""

    set_id: UUID
    set_name: str
    strategies: list[SearchStrategy]
    searched: int
    searches: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class EvaluationList(BaseModel):
    items: list[EvaluationSummary]


class Evaluation(EvaluationSummary):
    """`report` is there once the run is completed; `gate` where a baseline was named."""

    report: EvaluationReport | None = None
    gate: Verdict | None = None
