"""The parts of OpenAI's protocol that embedding and generation share: embeddings, models, errors."""

from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from libs.contracts.errors import ErrorCode


def _refuse_other_forms(value: object) -> None:
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    kinds = {type(item) for item in items}
    known = kinds <= ({str, int, list} if isinstance(value, list) else {str})
    inner = {type(item) for row in items if isinstance(row, list) for item in cast("list[object]", row)}
    if len(kinds) > 1 or not known or not inner <= {int}:
        raise PydanticCustomError("input_form", "must be a text or a list of texts")


class EmbeddingRequest(BaseModel):
    """`input` is one text or many, or token ids; `encoding_format` base64 carries little-endian float32.

    `truncate` is not OpenAI's: true reads a text beyond the model's limit up to there instead of refusing it.
    """

    model_config = ConfigDict(extra="forbid")

    input: str | list[str] | list[int] | list[list[int]]
    model: str = Field(default="default", max_length=200)
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, ge=1, le=1_000_000)
    truncate: bool = False
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


class OpenAIError(BaseModel):
    """The error object of `/v1/*`: our code travels in `code`."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class OpenAIErrorEnvelope(BaseModel):
    error: OpenAIError


def openai_status(status: int) -> int:
    """What OpenAI answers instead of our status: it knows no 422, and a client's handler for bad requests sees 400."""
    return 400 if status == 422 else status  # noqa: PLR2004 - HTTP's number


def error_envelope(status: int, code: str, message: str, param: str | None = None) -> dict[str, Any]:
    """OpenAI's error body for an HTTP status."""
    kind = {403: "permission_error", 429: "rate_limit_error", 503: "service_unavailable_error"}.get(
        status,
        "invalid_request_error" if status < 500 else "server_error",  # noqa: PLR2004 - HTTP's own border
    )
    if code == ErrorCode.QUOTA_EXCEEDED:
        kind = "insufficient_quota"
    return OpenAIErrorEnvelope(error=OpenAIError(message=message, type=kind, param=param, code=code)).model_dump()
