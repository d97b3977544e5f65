"""`POST /chat` and what goes with it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from libs.contracts.knowledge import Location, SearchFilters

MESSAGE_MAX_CHARS = 2_000


class Outcome(StrEnum):
    """`answered` comes from passages and is the only grounded one."""

    ANSWERED = "answered"
    ABSTAINED = "abstained"
    UNGROUNDED = "ungrounded"
    REFUSED = "refused"


class ChatRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    message: str = Field(max_length=MESSAGE_MAX_CHARS)
    session_id: UUID | None = None
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
    """One numbered passage that was in the prompt; `excerpt` is the whole passage."""

    n: int
    document_id: UUID
    external_id: str | None
    chunk_id: UUID
    title: str
    excerpt: str
    location: Location
    relevance_score: float


class AnswerMetadata(BaseModel):
    """`confidence` is 0 to 1; `degraded` names each thing that didn't work as configured."""

    tokens_used: int
    response_time_ms: int
    model_used: str
    cached: bool
    outcome: Outcome
    grounded: bool
    confidence: float
    finish_reason: str
    degraded: list[str]


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


class ChatSession(BaseModel):
    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime


class ChatSessionList(BaseModel):
    items: list[ChatSession]
    next_cursor: str | None


class ChatMessage(BaseModel):
    """A stored message; an assistant's carries what its answer carried."""

    id: UUID
    role: str
    content: str
    status: str
    created_at: datetime
    citations: list[Citation] = Field(default_factory=list[Citation])
    sources: list[Source] = Field(default_factory=list[Source])
    metadata: AnswerMetadata | None = None


class ChatMessageList(BaseModel):
    items: list[ChatMessage]
    next_cursor: str | None


class AnswerTrace(BaseModel):
    """How an answer was made: every step with its time, rank and score, and what was cut and why."""

    message_id: UUID
    question: str
    steps: list[dict[str, Any]]
