"""A question, and its answer while it is made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from libs.contracts.answering import AnswerPolicy
from libs.contracts.chat import ChatRequest, Outcome, Source
from libs.contracts.identity import Subject
from services.chat.answer_cache.kept import KeptAnswer, Place
from services.chat.grounding.citations import AnswerBuilder
from services.chat.quota import Usage
from services.chat.recorder import TraceRecorder
from services.chat.repository import Turn

NO_MODEL = "none"


@dataclass(frozen=True)
class Question:
    """`text` is what was asked, made to stand alone; `history` is the session before it, oldest first.

    `policy` is the organisation's, `instructions` are the asker's own. `again`: another answer than a kept one is
    wanted.
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
    again: bool = False


@dataclass
class Draft:
    """An answer while it is made, or `kept` from before. `place` is where it may be kept."""

    trace: TraceRecorder = field(default_factory=TraceRecorder)
    said: AnswerBuilder = field(default_factory=AnswerBuilder)
    outcome: Outcome = Outcome.ABSTAINED
    sources: list[Source] = field(default_factory=list[Source])
    scores: list[float] = field(default_factory=list[float])
    evidence: float = 0.0
    model: str = NO_MODEL
    finish_reason: str = "stop"
    usages: list[Usage] = field(default_factory=list[Usage])
    degraded: list[str] = field(default_factory=list[str])
    plan: str | None = None
    place: Place | None = None
    kept: KeptAnswer | None = None

    def take(self, kept: KeptAnswer) -> None:
        """Makes this the answer that was given before."""
        self.kept = kept
        self.said.text, self.said.citations = kept.answer, list(kept.citations)
        self.sources = list(kept.sources)
        self.outcome, self.model = kept.metadata.outcome, kept.metadata.model_used
        self.finish_reason = kept.metadata.finish_reason

    @property
    def usage(self) -> Usage:
        return Usage(
            sum(usage.prompt_tokens for usage in self.usages),
            sum(usage.completion_tokens for usage in self.usages),
            self.model,
        )

    @property
    def confidence(self) -> float:
        """0 to 1: the mean support of what is said, times the evidence that the passages bear on the question."""
        if self.outcome is not Outcome.ANSWERED or not self.scores:
            return 0.0
        return round(sum(self.scores) / len(self.scores) * self.evidence, 3)

    def degrade(self, *names: str) -> None:
        self.degraded += [name for name in names if name not in self.degraded]
