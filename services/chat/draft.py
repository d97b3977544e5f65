"""A question, and its answer while it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from libs.contracts.answering import AnswerPolicy
from libs.contracts.chat import ChatRequest, Disagreement, Outcome, Source
from libs.contracts.identity import Subject
from services.chat.answer_cache.kept import KeptAnswer, Place
from services.chat.grounding.citations import AnswerBuilder
from services.chat.memory.turns import Conversation
from services.chat.quota import Usage
from services.chat.recorder import TraceRecorder
from services.chat.safety.events import Noted
from services.chat.safety.screening import Suspect, material
from services.chat.wishes import Wishes

NO_MODEL = "none"


@dataclass(frozen=True)
class Question:
    """`text` is what was asked, once it is made to stand alone; `conversation` is the session before it, and `leans_on`
    are the questions in it without which it couldn't be understood.

    `policy` is the organisation's, `instructions` are the asker's own; `wishes` is what both say of an answer's form,
    `form` what a prompt says of it. `asked_in` is the language, an ISO 639-1 code, None where its words don't tell.
    `again`: another answer than a kept one is wanted.
    """

    subject: Subject
    request: ChatRequest
    session_id: UUID
    answer_id: UUID
    reservation_id: UUID
    text: str
    conversation: Conversation
    policy: AnswerPolicy = field(default_factory=AnswerPolicy)
    instructions: str = ""
    wishes: Wishes = field(default_factory=Wishes)
    asked_in: str | None = None
    form: str = ""
    again: bool = False
    leans_on: tuple[str, ...] = ()


@dataclass
class Draft:
    """An answer while it is made, or `kept` from before; `place` is where it may be kept, `looked_up` what was there.

    Its languages are ISO 639-1 codes, None where nothing tells. `suspects` are the passages found that give
    instructions, by their chunks; `noted` is what the organisation's admins will read of.
    """

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
    disagreements: list[Disagreement] = field(default_factory=list[Disagreement])
    plan: str | None = None
    language_wanted: str | None = None
    language: str | None = None
    suspects: Mapping[UUID, Suspect] = field(default_factory=dict[UUID, Suspect])
    noted: list[Noted] = field(default_factory=list[Noted])

    @property
    def material(self) -> list[Source]:
        """The sources as generators and checks read them: without what gives instructions."""
        return material(self.sources, self.suspects)

    place: Place | None = None
    looked_up: str | None = None
    kept: KeptAnswer | None = None

    def take(self, kept: KeptAnswer) -> None:
        """Makes this the answer that was given before."""
        self.kept = kept
        self.said.text, self.said.citations = kept.answer, list(kept.citations)
        self.sources = list(kept.sources)
        self.outcome, self.model = kept.metadata.outcome, kept.metadata.model_used
        self.finish_reason = kept.metadata.finish_reason
        self.language = kept.metadata.language

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
