"""What an upstream's chunks say, as one answer."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, field_validator

from services.generation.engines.decoding import StopStrings
from services.generation.engines.upstream_errors import REASON_CHARS
from services.generation.ports import (
    EngineUnavailableError,
    Finished,
    FinishReason,
    GenerationRequest,
    TextDelta,
    TokenLogprob,
)

_END = "[DONE]"


class Lenient(BaseModel):
    """Servers add fields of their own."""

    model_config = ConfigDict(extra="ignore")


class _Delta(Lenient):
    content: str | None = None


class _TopLogprob(Lenient):
    token: str
    logprob: float


class _TokenLogprob(_TopLogprob):
    top_logprobs: list[_TopLogprob] = Field(default_factory=list[_TopLogprob])


class _Logprobs(Lenient):
    content: list[_TokenLogprob] | None = None


class _Choice(Lenient):
    delta: _Delta | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _PromptDetails(Lenient):
    cached_tokens: int | None = None


class _Usage(Lenient):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    prompt_tokens_details: _PromptDetails | None = None

    @property
    def cached_tokens(self) -> int:
        return (self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0


class _Chunk(Lenient):
    """Usage that is none, as an empty object before the last chunk, counts as not given."""

    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None

    @field_validator("usage", mode="wrap")
    @classmethod
    def _usable(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> _Usage | None:
        try:
            return handler(value)
        except ValidationError:
            return None


class UpstreamAnswer:
    """What the chunks have said so far; `stop` are the strings that end it and the upstream doesn't know."""

    def __init__(self, request: GenerationRequest, stop: tuple[str, ...] = ()) -> None:
        self._request = request
        self._stop = StopStrings(stop)
        self._written: list[str] = []
        self._reason: FinishReason | None = None
        self._usage: _Usage | None = None
        self._logprobs: list[TokenLogprob] = []
        self.finished = False

    def take(self, data: str | None) -> TextDelta | None:
        """The text of a chunk, if it has any; `data` None is the end of the stream. Raises EngineUnavailableError."""
        if data is None or data == _END:
            self.finished = True
            if self._reason is None:
                raise EngineUnavailableError("The upstream ended its answer in the middle.")
            return self._delta(self._stop.close())
        try:
            chunk = _Chunk.model_validate_json(data)
        except ValidationError as error:
            raise EngineUnavailableError(f"The upstream sent what isn't a chunk: {data[:REASON_CHARS]!r}") from error
        if chunk.error is not None:
            raise EngineUnavailableError(f"The upstream gave up: {json.dumps(chunk.error)[:REASON_CHARS]}")
        self._usage = chunk.usage or self._usage
        if not chunk.choices:
            return None
        choice = chunk.choices[0]
        if choice.finish_reason:
            self._reason = "length" if choice.finish_reason == "length" else "stop"
        if choice.logprobs and choice.logprobs.content:
            self._logprobs += map(_token_logprob, choice.logprobs.content)
        text = self._stop.push((choice.delta and choice.delta.content) or "")
        if self._stop.met:
            self._reason, self.finished = "stop", True
        return self._delta(text)

    def _delta(self, text: str) -> TextDelta | None:
        if not text:
            return None  # what has no text yet comes with the text that follows
        self._written.append(text)
        logprobs, self._logprobs = tuple(self._logprobs), []
        return TextDelta(text, logprobs)

    def end(self) -> Finished:
        """With the upstream's usage, or an estimate where it gave none."""
        prompt = sum(estimated_tokens(message.content) for message in self._request.messages)
        usage = self._usage or _Usage(prompt_tokens=prompt, completion_tokens=estimated_tokens("".join(self._written)))
        return Finished(self._reason or "stop", usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens)


def _token_logprob(entry: _TokenLogprob) -> TokenLogprob:
    return TokenLogprob(entry.token, entry.logprob, tuple((top.token, top.logprob) for top in entry.top_logprobs))


def estimated_tokens(text: str) -> int:
    """That errs high. English has about four bytes to a token."""
    return -(-len(text.encode("utf-8", "replace")) // 3)
