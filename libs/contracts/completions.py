"""OpenAI's chat completions: what generation is asked, and what it answers."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationInfo,
    field_validator,
    model_serializer,
)
from pydantic_core import PydanticCustomError

MAX_MESSAGES = 2048
MAX_STOP_STRINGS = 4
MAX_TOP_LOGPROBS = 20

# Findings of our own, worded to follow the field's name.
UNSUPPORTED = "unsupported_parameter"
NEEDS_ANOTHER = "needs_another"
REFUSED = frozenset({UNSUPPORTED, NEEDS_ANOTHER})


def _whole_characters(text: str) -> str:
    """Without lone surrogates, which no UTF-8 can carry; JSON's escapes can, and a cut emoji leaves one."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


Text = Annotated[str, AfterValidator(_whole_characters)]


class Strict(BaseModel):
    """A request as OpenAI reads it: `"5"` is no number, and a name that it doesn't know is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TextPart(Strict):
    type: Literal["text"]
    text: Text


_parts: TypeAdapter[list[TextPart]] = TypeAdapter(list[TextPart])


def _joined(content: Any) -> Any:
    """The text of a list of parts; pydantic tells where in it something is wrong."""
    return "".join(part.text for part in _parts.validate_python(content)) if isinstance(content, list) else content


def _listed(stop: Any) -> Any:
    return [stop] if isinstance(stop, str) else stop


def _only(*allowed: Any) -> Callable[[Any], Any]:
    """Refuses every value but those that change nothing of the answer."""

    def check(value: Any) -> Any:
        if any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in (None, *allowed)):
            return value
        raise PydanticCustomError(UNSUPPORTED, "is not supported by this server's models; leave it out")

    return check


# What would change the answer's content or form, and can't be done: refused rather than quietly left undone.
Unsupported = Annotated[Any, AfterValidator(_only())]
NoList = Annotated[Any, AfterValidator(_only([]))]
NoChoice = Annotated[Any, AfterValidator(_only("none", "auto"))]
TextFormat = Annotated[Any, AfterValidator(_only({"type": "text"}))]
NoBias = Annotated[Any, AfterValidator(_only({}))]
NoPenalty = Annotated[Any, AfterValidator(_only(0))]
TextOnly = Annotated[Any, AfterValidator(_only(["text"]))]
NoEffort = Annotated[Any, AfterValidator(_only("none"))]
MediumVerbosity = Annotated[Any, AfterValidator(_only("medium"))]
NotStored = Annotated[Any, AfterValidator(_only(False))]
OneChoice = Annotated[Any, AfterValidator(_only(1))]


StopStrings = Annotated[list[Annotated[Text, Field(min_length=1)]], Field(max_length=MAX_STOP_STRINGS)]


class ChatMessageParam(Strict):
    """`content` may come as a list of text parts; `name` and what our own answers carry besides is read over."""

    role: Literal["system", "user", "assistant", "developer"]
    content: Annotated[Text, BeforeValidator(_joined)]
    name: str | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    audio: Unsupported = None
    tool_calls: NoList = None
    function_call: Unsupported = None


class DocumentParam(Strict):
    """A numbered passage for the extractive composer, in the field that vLLM uses for retrieval templates."""

    id: int
    title: Text = ""
    text: Text
    table_header: Text | None = None


class StreamOptions(Strict):
    """`include_obfuscation` is read over: nothing is added to chunks."""

    include_usage: bool = False
    include_obfuscation: bool | None = None


class CompletionRequest(Strict):
    """OpenAI's request; `documents`, `top_k` and `repetition_penalty` are vLLM's additions. `max_sentences` and
    `language`, the question's as an ISO 639-1 code, are ours for the extractive composer.

    Fields that change nothing of the answer are read over. Those that would change it and can't be honoured are
    refused, unless their value asks for nothing.
    """

    model: str = Field(min_length=1, max_length=200)
    messages: list[ChatMessageParam] = Field(min_length=1, max_length=MAX_MESSAGES)
    documents: list[DocumentParam] = Field(default_factory=list[DocumentParam])
    max_sentences: int | None = Field(default=None, ge=1)
    language: Text | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    top_k: int | None = Field(default=None, ge=-1)
    repetition_penalty: float | None = Field(default=None, gt=0, le=2, allow_inf_nan=False)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stop: Annotated[StopStrings | None, BeforeValidator(_listed)] = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=MAX_TOP_LOGPROBS)
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None

    n: OneChoice = None
    tools: NoList = None
    tool_choice: NoChoice = None
    functions: NoList = None
    function_call: NoChoice = None
    response_format: TextFormat = None
    logit_bias: NoBias = None
    frequency_penalty: NoPenalty = None
    presence_penalty: NoPenalty = None
    modalities: TextOnly = None
    reasoning_effort: NoEffort = None
    verbosity: MediumVerbosity = None
    store: NotStored = None
    audio: Unsupported = None
    moderation: Unsupported = None
    web_search_options: Unsupported = None

    user: Any = None
    metadata: Any = None
    safety_identifier: Any = None
    parallel_tool_calls: Any = None
    prediction: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None

    @field_validator("stream_options")
    @classmethod
    def _streaming(cls, value: StreamOptions | None, info: ValidationInfo) -> StreamOptions | None:
        if value is not None and not info.data.get("stream"):
            raise PydanticCustomError(NEEDS_ANOTHER, "is only allowed when 'stream' is true")
        return value

    @field_validator("top_logprobs")
    @classmethod
    def _with_logprobs(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and not info.data.get("logprobs"):
            raise PydanticCustomError(NEEDS_ANOTHER, "is only allowed when 'logprobs' is true")
        return value


class SkipReason(StrEnum):
    NOT_ENTITLED = "not_entitled"
    NO_DOCUMENTS = "no_documents"
    PROMPT_TOO_LONG = "prompt_too_long"
    TOO_EXPENSIVE = "too_expensive"
    LOADING = "loading"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    CIRCUIT_OPEN = "circuit_open"
    TOO_SLOW = "too_slow"


# What isn't as configured, unlike a route that passes a model over because it should.
FAILURES = frozenset(
    {SkipReason.LOADING, SkipReason.BUSY, SkipReason.UNAVAILABLE, SkipReason.CIRCUIT_OPEN, SkipReason.TOO_SLOW}
)


class SkippedModel(BaseModel):
    model: str
    reason: SkipReason


class Served(BaseModel):
    """Which model answered and why, beside OpenAI's own fields; in a stream it comes with the first chunk."""

    route: str
    served_by: str
    why: str
    skipped: list[SkippedModel]


class PromptTokensDetails(BaseModel):
    """`cached_tokens` of the prompt had been computed before."""

    cached_tokens: int = 0


class CompletionUsage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails = PromptTokensDetails()


class TopLogprob(BaseModel):
    """`logprob` is the natural logarithm; `bytes` are the token's in UTF-8."""

    token: str
    logprob: float
    bytes: list[int]


class ContentLogprob(TopLogprob):
    top_logprobs: list[TopLogprob]


class ChoiceLogprobs(BaseModel):
    content: list[ContentLogprob]
    refusal: None = None


class CompletionMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class CompletionChoice(BaseModel):
    index: int = 0
    message: CompletionMessage
    logprobs: ChoiceLogprobs | None = None
    finish_reason: str


class _SaysWhatIsSet(BaseModel):
    """Left out unless set: OpenAI tells null from absent."""

    @model_serializer(mode="wrap")
    def _set_alone(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        optional = {name for name, field in type(self).model_fields.items() if field.default is None}
        return {name: value for name, value in handler(self).items() if name not in optional - self.model_fields_set}


class Completion(_SaysWhatIsSet):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage
    system_fingerprint: str
    service_tier: str | None = None
    footnote: Served | None = None


class Delta(_SaysWhatIsSet):
    role: Literal["assistant"] | None = None
    content: str | None = None
    refusal: None = None


class ChunkChoice(BaseModel):
    index: int = 0
    delta: Delta
    logprobs: ChoiceLogprobs | None = None
    finish_reason: str | None = None


class CompletionChunk(_SaysWhatIsSet):
    """`usage` is null in every chunk but the last where it was asked for, else absent."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    system_fingerprint: str | None = None
    usage: CompletionUsage | None = None
    service_tier: str | None = None
    footnote: Served | None = None
