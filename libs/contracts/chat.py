"""`POST /chat` and what goes with it."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from libs.contracts.knowledge import Location, SearchFilters
from libs.contracts.values import Instant, StoredText

MESSAGE_MAX_CHARS = 2_000


class Outcome(StrEnum):
    """`answered` comes from passages and is the only grounded one."""

    ANSWERED = "answered"
    ABSTAINED = "abstained"
    UNGROUNDED = "ungrounded"
    REFUSED = "refused"


class ChatRequest(BaseModel):
    """`edit_of` names a question of the session that this one is asked in place of; the old branch stays."""

    model_config = ConfigDict(extra="forbid")

    message: str = Field(max_length=MESSAGE_MAX_CHARS)
    session_id: UUID | None = None
    edit_of: UUID | None = None
    enable_rag: bool = True
    stream: bool = False
    filters: SearchFilters | None = None
    max_tokens: int = Field(default=512, ge=50, le=2_000)
    temperature: float = Field(default=0.7, ge=0, le=1)
    model: str | None = Field(default=None, max_length=200)

    @field_validator("message")
    @classmethod
    def _has_text(cls, value: str) -> str:
        text = value.replace("\x00", "")
        if not text.strip():
            raise ValueError("the message is empty; write a question")
        return text

    @model_validator(mode="after")
    def _edits_within_a_session(self) -> "ChatRequest":
        if self.edit_of is not None and self.session_id is None:
            raise ValueError("edit_of needs the session_id of the question that it names")
        return self


class TextSpan(BaseModel):
    """Half-open character range [start, end)."""

    start: int
    end: int


class Citation(BaseModel):
    """`start`, `end` are characters of the answer; `spans` are characters of source `n`'s excerpt."""

    start: int
    end: int
    n: int
    spans: list[TextSpan]


class Source(BaseModel):
    """One numbered passage that was in the prompt; `excerpt` is the whole passage.

    `date` is how old its document's content is; `authority` is what the document's metadata say of its weight.
    """

    n: int
    document_id: UUID
    external_id: str | None
    chunk_id: UUID
    title: str
    excerpt: str
    location: Location
    relevance_score: float = Field(allow_inf_nan=False)
    date: datetime | None = None
    authority: float | None = Field(default=None, allow_inf_nan=False)


class Disagreement(BaseModel):
    """Two sources that say different things of what was asked.

    The answer goes with source `preferred`, and says from `start` to `end`, characters of the answer, what source
    `other` has. `because`: the preferred one has the higher authority, the later date, or is the one that the
    answer was made from.
    """

    preferred: int
    other: int
    differs: Literal["number", "name", "direction", "negation"]
    because: Literal["authority", "date", "support"]
    start: int
    end: int


class AnswerMetadata(BaseModel):
    """`prompt_tokens` are those of `tokens_used` that were read; `confidence` is 0 to 1.

    `degraded` names each thing that didn't work as configured. `unsupported` are the characters of the answer that no
    source supports, shown because the organisation wants to see them. `language` is the answer's, an ISO 639-1 code,
    where its words tell.
    """

    tokens_used: int
    prompt_tokens: int = 0
    response_time_ms: int
    model_used: StoredText
    cached: bool
    outcome: Outcome
    grounded: bool
    confidence: float = Field(allow_inf_nan=False)
    finish_reason: StoredText
    degraded: list[StoredText]
    unsupported: list[TextSpan] = Field(default_factory=list[TextSpan])
    disagreements: list[Disagreement] = Field(default_factory=list[Disagreement])
    language: StoredText | None = None


class ChatResponse(BaseModel):
    session_id: UUID
    message_id: UUID
    answer: str
    citations: list[Citation]
    sources: list[Source]
    metadata: AnswerMetadata


class SessionEvent(BaseModel):
    """The first event of a stream."""

    session_id: UUID
    message_id: UUID


class SourcesEvent(BaseModel):
    sources: list[Source]


class TokenEvent(BaseModel):
    """`text` is the next piece of the answer; with grounding on, only what has passed its check."""

    text: str


class UnsupportedEvent(TextSpan):
    """Of the text so far, these characters are a sentence that no source supports."""


class ChatSession(BaseModel):
    """`owned` is false for a colleague's, which is `shared` to be read. `deleted_at`: in the bin since then."""

    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime
    pinned: bool = False
    shared: bool = False
    owned: bool = True
    imported: bool = False
    by_program: bool = False
    deleted_at: datetime | None = None


class ChatSessionList(BaseModel):
    items: list[ChatSession]
    next_cursor: str | None


class Feedback(BaseModel):
    """What the asker thinks of an answer: 1, useless, to 5, just right."""

    model_config = ConfigDict(extra="forbid")

    rating: int = Field(ge=1, le=5)
    comment: str = Field(default="", max_length=MESSAGE_MAX_CHARS)

    @field_validator("comment")
    @classmethod
    def _storable(cls, value: str) -> str:
        return value.replace("\x00", "").strip()


class ChatMessage(BaseModel):
    """A stored message; an assistant's carries what its answer carried.

    `versions` are the ids of all messages that were asked or answered in its place, itself among them, in order.
    """

    id: UUID
    parent_id: UUID | None = None
    versions: list[UUID] = Field(default_factory=list[UUID])
    role: str
    content: str
    status: str
    created_at: Instant
    citations: list[Citation] = Field(default_factory=list[Citation])
    sources: list[Source] = Field(default_factory=list[Source])
    metadata: AnswerMetadata | None = None
    feedback: Feedback | None = None


class ChatMessageList(BaseModel):
    items: list[ChatMessage]
    next_cursor: str | None


class SupportingPlace(BaseModel):
    """The characters of source `n`'s excerpt behind a sentence, and their words; `score` is 0 to 1.

    `entailment` is an entailment model's probability, where one was asked.
    """

    n: int
    spans: list[TextSpan]
    text: str
    score: float
    entailment: float | None = None


class ExplainedSentence(BaseModel):
    """What became of a sentence, and why. `start`, `end` are characters of the answer; None where it isn't in it.

    `verdict`: `supported`, `unsupported`, `contradicted` by a passage, `off_question`, `repeated`, or `empty`.
    """

    sentence: str
    start: int | None
    end: int | None
    shown: bool
    verdict: str
    why: str
    model: str
    sources: list[SupportingPlace]


class AnswerTrace(BaseModel):
    """How an answer was made: every step with its time, rank and score, and what was cut and why.

    `explanation` is the same sentence by sentence: those of the answer, and those that were cut from it.
    """

    message_id: UUID
    question: str
    steps: list[dict[str, Any]]
    explanation: list[ExplainedSentence] = Field(default_factory=list[ExplainedSentence])
