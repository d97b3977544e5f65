"""Any server that speaks OpenAI's `/chat/completions` with streaming: vLLM, a cloud, another Footnote."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libs.clients.context import current_context
from services.generation.engines.upstream_errors import REASON_CHARS, refusal
from services.generation.ports import (
    EngineBusyError,
    EngineUnavailableError,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    TextDelta,
    TokenLogprob,
)

_END = "[DONE]"
_TOO_MANY_REQUESTS = 429
_ERROR_BYTES = 4_096
_MAX_RETRY_AFTER_S = 60


class _Lenient(BaseModel):
    """Servers add fields of their own."""

    model_config = ConfigDict(extra="ignore")


class _Delta(_Lenient):
    content: str | None = None


class _TopLogprob(_Lenient):
    token: str
    logprob: float


class _TokenLogprob(_TopLogprob):
    top_logprobs: list[_TopLogprob] = Field(default_factory=list[_TopLogprob])


class _Logprobs(_Lenient):
    content: list[_TokenLogprob] | None = None


class _Choice(_Lenient):
    delta: _Delta = _Delta()
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _PromptDetails(_Lenient):
    cached_tokens: int | None = None


class _Usage(_Lenient):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _PromptDetails | None = None

    @property
    def cached_tokens(self) -> int:
        return (self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0


class _Chunk(_Lenient):
    choices: list[_Choice] = Field(default_factory=list[_Choice])
    usage: _Usage | None = None
    error: Any = None


class _Model(_Lenient):
    id: str
    max_model_len: int | None = None  # vLLM's; others don't say


class _Models(_Lenient):
    data: list[_Model]


class OpenAICompatibleEngine:
    """The model `model_id` at `base_url`, which ends in the API's version (`https://host/v1`).

    `deadline_s` bounds a whole answer whose caller has no deadline of its own, `silence_s` the wait for its next piece,
    `start_s` what readiness and changed settings wait for it.
    The upstream sees the messages, the sampling and the key, and nothing of the caller: no identity, no token and no
    trace. Redirects aren't followed.
    `takes_top_k` says that it knows vLLM's `top_k` and `repetition_penalty`; OpenAI refuses requests with either, so
    that elsewhere they are left out.
    """

    def __init__(
        self,
        base_url: str,
        *,
        model_id: str,
        api_key: str,
        context_tokens: int,
        max_in_flight: int,
        deadline_s: float = 120,
        silence_s: float = 60,
        takes_top_k: bool = False,
        start_s: float = 3,
    ) -> None:
        self._model_id = model_id
        self._context_tokens = context_tokens
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._deadline_s = deadline_s
        self._start_s = start_s
        self._takes_top_k = takes_top_k
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/"),
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(silence_s, connect=5),
            limits=httpx.Limits(max_connections=max_in_flight + 1),
        )

    @property
    def model_id(self) -> str:
        return self._model_id

    @property
    def context_length(self) -> int:
        return self._context_tokens

    async def start(self) -> None:
        """Lowers the context length to what the upstream says, where it says it; an absent upstream isn't fatal."""
        try:
            async with asyncio.timeout(self._start_s):
                with suppress_http_instrumentation():
                    response = await self._client.get("/models")
            models = _Models.model_validate_json(response.raise_for_status().content)
        except (httpx.HTTPError, ValidationError, TimeoutError):
            return
        for model in models.data:
            if model.id == self._model_id and model.max_model_len:
                self._context_tokens = min(self._context_tokens, model.max_model_len)

    async def close(self) -> None:
        await self._client.aclose()

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Event]:
        if self._in_flight >= self._max_in_flight:
            raise EngineBusyError
        self._in_flight += 1
        try:
            # A caller's own deadline is kept by whoever reads us: passing it is no failure of the upstream.
            unbounded = current_context().remaining_s() is None
            ends_at = asyncio.get_running_loop().time() + self._deadline_s if unbounded else None
            async with asyncio.timeout_at(ends_at):
                response = await self._open(request)
            try:
                async with aclosing(EventSource(response).aiter_sse()) as chunks:
                    answer = _Answer(request)
                    while not answer.finished:
                        # Not around the yield: whoever reads us may take its time, and cancels in its own name.
                        async with asyncio.timeout_at(ends_at):
                            chunk = await anext(chunks, None)
                        if delta := answer.take(chunk.data if chunk else None):
                            yield delta
                    yield answer.end()
            finally:
                await response.aclose()  # closes the connection where the answer wasn't read to its end
        except TimeoutError as error:
            raise EngineUnavailableError(f"The upstream took longer than {self._deadline_s:g} s.") from error
        except (httpx.HTTPError, SSEError) as error:
            raise EngineUnavailableError(f"The upstream failed: {error!r}") from error
        finally:
            self._in_flight -= 1

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate that errs high: the protocol has no way to ask. English has about four bytes to a token."""
        return [_estimate(text) for text in texts]

    async def _open(self, request: GenerationRequest) -> httpx.Response:
        """The response, its body unread. Raises EngineBusyError, EngineUnavailableError, httpx.HTTPError."""
        with suppress_http_instrumentation():  # it would add our trace's headers
            response = await self._client.send(
                self._client.build_request(
                    "POST", "/chat/completions", json=self._body(request), headers={"Accept": "text/event-stream"}
                ),
                stream=True,
            )
        if response.is_success:
            return response
        try:
            if response.status_code == _TOO_MANY_REQUESTS:
                raise EngineBusyError(_retry_after(response))
            body = await _beginning(response)
        finally:
            await response.aclose()
        raise refusal(response.status_code, body, model=self._model_id, context_tokens=self._context_tokens)

    def _body(self, request: GenerationRequest) -> dict[str, Any]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self._model_id,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if sampling.logprobs is not None:
            body["logprobs"] = True
            if sampling.logprobs:
                body["top_logprobs"] = sampling.logprobs
        if self._takes_top_k:
            if sampling.top_k is not None:
                body["top_k"] = sampling.top_k
            if sampling.repetition_penalty != 1:
                body["repetition_penalty"] = sampling.repetition_penalty
        return body


class _Answer:
    """What the chunks have said so far."""

    def __init__(self, request: GenerationRequest) -> None:
        self._request = request
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
            return None
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
        text = choice.delta.content
        if not text:
            return None  # what has no text yet comes with the text that follows
        self._written.append(text)
        logprobs, self._logprobs = tuple(self._logprobs), []
        return TextDelta(text, logprobs)

    def end(self) -> Finished:
        """With the upstream's usage, or an estimate where it gave none."""
        prompt = sum(_estimate(message.content) for message in self._request.messages)
        usage = self._usage or _Usage(prompt_tokens=prompt, completion_tokens=_estimate("".join(self._written)))
        return Finished(self._reason or "stop", usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens)


def _token_logprob(entry: _TokenLogprob) -> TokenLogprob:
    return TokenLogprob(entry.token, entry.logprob, tuple((top.token, top.logprob) for top in entry.top_logprobs))


def _estimate(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // 3)


def _retry_after(response: httpx.Response) -> int:
    value = response.headers.get("Retry-After", "")
    return min(int(value), _MAX_RETRY_AFTER_S) if value.isdecimal() else 1


async def _beginning(response: httpx.Response) -> str:
    """Of an error's body, however long it is."""
    body = b""
    async for block in response.aiter_bytes():
        body += block
        if len(body) >= _ERROR_BYTES:
            break
    return body[:_ERROR_BYTES].decode("utf-8", "replace")
