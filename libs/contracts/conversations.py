"""What a person does with conversations besides asking: order them, rate their answers, take them out and in again."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticSerializationError

from libs.contracts.chat import ChatMessage, Feedback, Source
from libs.contracts.knowledge_completions import QUESTION_MAX_CHARS
from libs.contracts.values import Instant

TITLE_MAX_CHARS = 200
CONTENT_MAX_CHARS = QUESTION_MAX_CHARS
IMPORTED_MESSAGES_MAX = 1_000
IMPORTED_SOURCES_MAX = 2_000
FORMAT = "footnote.conversation/1"


class SessionChange(BaseModel):
    """What is absent stays. `current_message_id` shows the branch of that message, down to its latest answer."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(default=None, max_length=TITLE_MAX_CHARS)
    pinned: bool | None = None
    shared: bool | None = None
    current_message_id: UUID | None = None

    @field_validator("title")
    @classmethod
    def _has_text(cls, value: str | None) -> str | None:
        title = None if value is None else " ".join(value.replace("\x00", "").split())
        if title == "":
            raise ValueError("the title is empty")
        return title


class Regeneration(BaseModel):
    """Another answer to the same question. What is absent is as it was asked."""

    model_config = ConfigDict(extra="forbid")

    stream: bool = False
    max_tokens: int | None = Field(default=None, ge=50, le=2_000)
    temperature: float | None = Field(default=None, ge=0, le=1)
    model: str | None = Field(default=None, max_length=200)


class GivenFeedback(BaseModel):
    """A rating with what it rates, as an admin may read it: sources that aren't theirs to read are blanked."""

    message_id: UUID
    user_id: UUID
    feedback: Feedback
    given_at: datetime
    question: str
    answer: str
    sources: list[Source]
    outcome: str | None
    model_used: str | None


class GivenFeedbackList(BaseModel):
    items: list[GivenFeedback]
    next_cursor: str | None


class ConversationFile(BaseModel):
    """A conversation outside Footnote: every branch, each message after the one it follows."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["footnote.conversation/1"] = FORMAT
    title: str = Field(min_length=1, max_length=TITLE_MAX_CHARS)
    created_at: Instant
    current_message_id: UUID | None = None
    messages: list[ChatMessage] = Field(max_length=IMPORTED_MESSAGES_MAX)

    @model_validator(mode="after")
    def _hangs_together(self) -> "ConversationFile":
        roles: dict[UUID, str] = {}
        sources = 0
        for number, message in enumerate(self.messages):
            if message.id in roles:
                raise ValueError(f"message {number} has an id that another has")
            if message.parent_id is not None and message.parent_id not in roles:
                raise ValueError(f"message {number} follows one that doesn't stand before it")
            # A question may follow another: one that was never answered.
            answers = message.parent_id is not None and roles[message.parent_id] == "user"
            if message.role != "user" and not (message.role == "assistant" and answers):
                raise ValueError(f"message {number} is neither a question nor the answer to one")
            if message.role == "user" and not message.content.replace("\x00", "").strip():
                raise ValueError(f"message {number} is an empty question")
            if len(message.content) > CONTENT_MAX_CHARS:
                raise ValueError(f"message {number} has over {CONTENT_MAX_CHARS:,} characters")
            _refuse_half_characters(number, message)
            _refuse_wrong_places(number, message)
            roles[message.id] = message.role
            sources += len(message.sources)
        if sources > IMPORTED_SOURCES_MAX:
            raise ValueError(f"the messages name over {IMPORTED_SOURCES_MAX:,} sources")
        if self.current_message_id is not None and self.current_message_id not in roles:
            raise ValueError("current_message_id names no message")
        return self


def _refuse_half_characters(number: int, message: ChatMessage) -> None:
    try:
        message.model_dump_json()
    except PydanticSerializationError as error:
        raise ValueError(f"message {number} has half of a surrogate pair") from error


def _refuse_wrong_places(number: int, message: ChatMessage) -> None:
    named = {source.n for source in message.sources}
    if len(named) != len(message.sources):
        raise ValueError(f"message {number} has two sources of one number")
    for citation in message.citations:
        if not 0 <= citation.start <= citation.end <= len(message.content):
            raise ValueError(f"message {number} has a citation outside its content")
        if citation.n not in named:
            raise ValueError(f"message {number} cites a source that it doesn't have")
