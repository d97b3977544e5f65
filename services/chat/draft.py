"""A question, and its answer while it is made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from libs.contracts.answering import AnswerPolicy
from libs.contracts.chat import ChatRequest, Outcome, Source
from libs.contracts.identity import Subject
from services.chat.grounding.citations import AnswerBuilder
from services.chat.quota import Usage
from services.chat.recorder import TraceRecorder
from services.chat.repository import Turn

NO_MODEL = "none"


@dataclass(frozen=True)
class Question:
    """`text` is what was asked, made to stand alone; `history` is the session before it, oldest first.

    `policy` is the organisation's, `instructions` are the asker's own.
    """

    subject: Subject
    request: ChatRequest
    session_id: UUID
    answer_id: UUID
    reservation_id: UUID
    text: str
    history: Sequence[Turn]
    policy: AnswerPolicy = field(default_factory=AnswerPolicy)
    instructions: str = ""


@dataclass
class Draft:
    """An answer while it is made."""

    trace: TraceRecorder = field(default_factory=TraceRecorder)
    said: AnswerBuilder = field(default_factory=AnswerBuilder)
    outcome: Outcome = Outcome.ABSTAINED
    sources: list[Source] = field(default_factory=list[Source])
    evidence: float = 0.0
    answers: float = 0.0
    model: str = NO_MODEL
    finish_reason: str = "stop"
    usages: list[Usage] = field(default_factory=list[Usage])
    degraded: list[str] = field(default_factory=list[str])
    plan: str | None = None

    @property
    def usage(self) -> Usage:
        return Usage(
            sum(usage.prompt_tokens for usage in self.usages),
            sum(usage.completion_tokens for usage in self.usages),
            self.model,
        )

    @property
    def confidence(self) -> float:
        """0 to 1: the calibrated probability that what is said answers the question."""
        return round(self.answers, 3) if self.outcome is Outcome.ANSWERED else 0.0

    def degrade(self, *names: str) -> None:
        self.degraded += [name for name in names if name not in self.degraded]
