"""The parts of OpenAI's protocol that embedding and generation speak."""

from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator


def _refuse_other_forms(value: object) -> None:
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    for index, item in enumerate(items):
        if isinstance(item, str) and not _encodable(item):
            raise ValueError(f"text {index} holds half of a surrogate pair, which is no character")
    kinds = {type(item) for item in items}
    if len(kinds) > 1 or not kinds <= ({str, int, list} if isinstance(value, list) else {str}):
        raise ValueError("must be a text or a list of texts")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class EmbeddingRequest(BaseModel):
    """`input` is one text or many, or token ids; `encoding_format` base64 carries little-endian float32.

    `truncate` is not OpenAI's: false refuses a text beyond the model's limit instead of reading it up to there.
    """

    model_config = ConfigDict(extra="forbid")

    input: str | list[str] | list[int] | list[list[int]]
    model: str = "default"
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    truncate: bool = True
    user: str | None = None

    @field_validator("input", mode="before")
    @classmethod
    def _one_of_its_forms(cls, value: object) -> object:
        """One error for the field, where pydantic has one for each form that it might have had."""
        _refuse_other_forms(value)
        return value


class EmbeddingData(BaseModel):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class EmbeddingResponse(BaseModel):
    object: Literal["list"] = "list"
    data: list[EmbeddingData]
    model: str
    usage: EmbeddingUsage


class Model(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


class ChatMessageParam(BaseModel):
    role: Literal["system", "user", "assistant", "developer"]
    content: str


class DocumentParam(BaseModel):
    """A numbered passage for the extractive composer, in the field that vLLM uses for retrieval templates."""

    id: int
    title: str = ""
    text: str


class StreamOptions(BaseModel):
    include_usage: bool = False


class CompletionRequest(BaseModel):
    model: str
    messages: list[ChatMessageParam] = Field(min_length=1)
    documents: list[DocumentParam] = Field(default_factory=list[DocumentParam])
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float = Field(default=0.7, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None


class CompletionUsage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str


class CompletionChoice(BaseModel):
    index: int = 0
    message: CompletionMessage
    finish_reason: str


class Completion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage


class Delta(BaseModel):
    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    index: int = 0
    delta: Delta
    finish_reason: str | None = None


class CompletionChunk(BaseModel):
    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None


class OpenAIError(BaseModel):
    """The error object of `/v1/*`: our code travels in `code`."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class OpenAIErrorEnvelope(BaseModel):
    error: OpenAIError


def error_envelope(status: int, code: str, message: str, param: str | None = None) -> dict[str, Any]:
    """OpenAI's error body for an HTTP status."""
    kind = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}.get(
        status,
        "invalid_request_error" if status < 500 else "server_error",  # noqa: PLR2004 - HTTP's own border
    )
    return OpenAIErrorEnvelope(error=OpenAIError(message=message, type=kind, param=param, code=code)).model_dump()
