"""OpenAI's chat completions as the gateway answers them: from the organisation's documents, with citations."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    field_validator,
    model_serializer,
)
from pydantic_core import PydanticCustomError

from libs.contracts.chat import Disagreement, Outcome, Source, TextSpan
from libs.contracts.completions import MAX_MESSAGES, CompletionUsage
from libs.contracts.values import StoredText

FOOTNOTE = "footnote"
QUESTION_MAX_CHARS = 32_000


def _without_nul(value: object) -> object:
    return value.replace("\x00", "") if isinstance(value, str) else value


AskedText = Annotated[StoredText, BeforeValidator(_without_nul)]


class AskedPart(BaseModel):
    type: StoredText
    text: AskedText = ""


_parts: TypeAdapter[list[AskedPart]] = TypeAdapter(list[AskedPart])


def _joined(content: Any) -> Any:
    """The text of a list of parts; pydantic tells where in it something is wrong."""
    if not isinstance(content, list):
        return content
    return "\n".join(part.text for part in _parts.validate_python(content) if part.type == "text")


class AskedMessage(BaseModel):
    """Whatever a client sends; what isn't text is read over, as are the messages of tools and systems.

    `content` may come as a list of parts.
    """

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[
        AskedText | None, BeforeValidator(_joined, json_schema_input_type=AskedText | list[AskedPart] | None)
    ] = None

    @property
    def text(self) -> str:
        return self.content or ""


class AskedStreamOptions(BaseModel):
    include_usage: bool = False


class KnowledgeCompletionRequest(BaseModel):
    """OpenAI's request; the last message is the question. Fields that aren't here are read over."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(default=FOOTNOTE, min_length=1, max_length=200)
    messages: list[AskedMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    stream: bool | None = None
    stream_options: AskedStreamOptions | None = None
    n: Annotated[int | None, Field(ge=1, le=1)] = None

    @field_validator("messages")
    @classmethod
    def _ends_with_a_question(cls, value: list[AskedMessage]) -> list[AskedMessage]:
        last = value[-1]
        if last.role != "user" or not last.text.strip():
            raise PydanticCustomError("no_question", "the last message must be the user's, with a text")
        if len(last.text) > QUESTION_MAX_CHARS:
            told = {"characters": f"{len(last.text):,}", "most": f"{QUESTION_MAX_CHARS:,}"}
            raise PydanticCustomError(
                "too_long", "the question has {characters} characters; at most {most} are taken", told
            )
        return value


class UrlCitation(BaseModel):
    """`start_index`, `end_index` are characters of the content. `document_id` and `chunk_id` name the passage."""

    start_index: int
    end_index: int
    title: str
    url: str
    document_id: UUID
    chunk_id: UUID


class Annotation(BaseModel):
    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class AnswerNote(BaseModel):
    """Beside OpenAI's own fields: what kind of answer it is, and the passages behind it."""

    session_id: UUID
    message_id: UUID
    outcome: Outcome
    grounded: bool
    confidence: float
    degraded: list[str]
    unsupported: list[TextSpan] = Field(default_factory=list[TextSpan])
    disagreements: list[Disagreement] = Field(default_factory=list[Disagreement])
    sources: list[Source]


class AnsweredMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


class AnsweredChoice(BaseModel):
    index: int = 0
    message: AnsweredMessage
    logprobs: None = None
    finish_reason: str


class AnsweredCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[AnsweredChoice]
    usage: CompletionUsage
    footnote: AnswerNote


class _LeavesOutNothings(BaseModel):
    @model_serializer(mode="wrap")
    def _something(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}


class AnsweredDelta(_LeavesOutNothings):
    role: Literal["assistant"] | None = None
    content: str | None = None
    annotations: list[Annotation] | None = None


class AnsweredChunkChoice(BaseModel):
    index: int = 0
    delta: AnsweredDelta
    logprobs: None = None
    finish_reason: str | None = None


class AnsweredChunk(_LeavesOutNothings):
    """`footnote` comes with the chunk that ends the answer."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[AnsweredChunkChoice]
    usage: CompletionUsage | None = None
    footnote: AnswerNote | None = None
