"""Answers and questions that wait for an admin's review, and what becomes of them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.contracts.chat import Feedback, Outcome, Source
from libs.contracts.evaluation import (
    ANSWERS_MAX,
    JUDGEMENTS_MAX,
    QUERY_MAX_CHARS,
    SET_NAME_MAX_CHARS,
    ExpectedAnswer,
    Judgement,
    SaidText,
)

DecisionName = Literal["make_question", "dismiss"]


class ReviewReason(StrEnum):
    RATED_LOW = "rated_low"
    ABSTAINED = "abstained"
    LOW_CONFIDENCE = "low_confidence"
    ASKED_OFTEN = "asked_often"


class Review(BaseModel):
    """An answer that its reader rated badly, or a question that several people asked.

    `message_id` is what a decision names. Of a question that several asked there are only its words and how often it
    was asked, by how many: no answer, no sources, no names. Of a rated answer `asked` and `people` are 1. `owned` where
    the admin asked it: only then can they read its trace.
    """

    message_id: UUID
    reasons: list[ReviewReason]
    question: str
    asked: int
    people: int
    last_at: datetime
    feedback: Feedback | None = None
    answer: str | None = None
    sources: list[Source] = Field(default_factory=list[Source])
    outcome: Outcome | None = None
    confidence: float | None = None
    owned: bool = False


class ReviewList(BaseModel):
    items: list[Review]
    next_cursor: str | None


class ReviewDecision(BaseModel):
    """`make_question` puts a question into the set of that name, `query` in place of the words that were asked.

    Not `answerable` is a question that the documents don't answer: it has neither `relevant` nor `answers`.
    """

    model_config = ConfigDict(extra="forbid")

    decision: DecisionName
    set_name: Annotated[SaidText, Field(max_length=SET_NAME_MAX_CHARS)] | None = None
    query: Annotated[SaidText, Field(max_length=QUERY_MAX_CHARS)] | None = None
    answerable: bool = True
    relevant: list[Judgement] = Field(default_factory=list[Judgement], max_length=JUDGEMENTS_MAX)
    answers: list[ExpectedAnswer] = Field(default_factory=list[str], max_length=ANSWERS_MAX)

    @model_validator(mode="after")
    def _says_what_it_makes(self) -> "ReviewDecision":
        making = self.decision == "make_question"
        if making and not (self.set_name and (self.relevant or not self.answerable)):
            raise ValueError(
                "a question needs the set_name it goes into, and in relevant the documents that answer it, "
                "or answerable false where none does"
            )
        if not self.answerable and (self.relevant or self.answers):
            raise ValueError("what the documents don't answer has neither relevant nor answers")
        if not making and (self.set_name or self.query or self.relevant or self.answers or not self.answerable):
            raise ValueError("what is dismissed makes no question: leave everything else out")
        return self


class ReviewDecided(BaseModel):
    """`set_id` and `question_id` are those of the question that was made."""

    message_id: UUID
    decision: DecisionName
    set_id: UUID | None = None
    question_id: str | None = None
