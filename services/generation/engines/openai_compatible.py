"""Any server that speaks OpenAI's `/chat/completions` with streaming: vLLM, a cloud, another Footnote."""

import asyncio
import codecs
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import cast

import httpx
from httpx_sse import EventSource, SSEError
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from pydantic import ValidationError

from libs.clients.context import current_context
from libs.clients.retry_after import stated_wait_s
from services.generation.engines.upstream_answer import Lenient, UpstreamAnswer, estimated_tokens
from services.generation.engines.upstream_errors import out_of_credit, refusal
from services.generation.engines.upstream_request import UpstreamRequest
from services.generation.ports import EngineBusyError, EngineUnavailableError, Event, GenerationRequest

_TOO_MANY_REQUESTS = 429
_ERROR_BYTES = 4_096
_ERROR_S = 1.0
_RETRY_AFTER_S = 2
_BUSY_RETRY_S = 1
_MAX_RETRY_AFTER_S = 60
# Characters of a chunk, which carries a few words, perhaps with their alternatives.
_LONGEST_EVENT = 1 << 20


class _Model(Lenient):
    id: str
    max_model_len: int | None = None  # vLLM's; others don't say


class _Models(Lenient):
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
        # Parameters that the model has said it doesn't take.
        self._untaken: set[str] = set()
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
            sent = UpstreamRequest(self._model_id, request, self._untaken, takes_top_k=self._takes_top_k)
            # A caller's own deadline is kept by whoever reads us: passing it is no failure of the upstream.
            unbounded = current_context().remaining_s() is None
            ends_at = asyncio.get_running_loop().time() + self._deadline_s if unbounded else None
            async with asyncio.timeout_at(ends_at):
                response = await self._open(sent)
            try:
                bounded = _Bounded(response)
                async with aclosing(EventSource(cast("httpx.Response", bounded)).aiter_sse()) as chunks:
                    answer = UpstreamAnswer(request, sent.unsent_stop)
                    while not answer.finished:
                        # Not around the yield: whoever reads us may take its time, and cancels in its own name.
                        async with asyncio.timeout_at(ends_at):
                            chunk = await anext(chunks, None)
                        bounded.unfinished = 0
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
        """An estimate that errs high: the protocol has no way to ask."""
        return [estimated_tokens(text) for text in texts]

    async def _open(self, sent: UpstreamRequest) -> httpx.Response:
        """The response, its body unread; what the upstream says that it doesn't take is asked for otherwise.

        Raises EngineBusyError, EngineUnavailableError, PromptTooLongError, httpx.HTTPError.
        """
        while True:
            with suppress_http_instrumentation():  # it would add our trace's headers
                response = await self._client.send(
                    self._client.build_request(
                        "POST", "/chat/completions", json=sent.body, headers={"Accept": "text/event-stream"}
                    ),
                    stream=True,
                )
            if response.is_success:
                return response
            try:
                said = await _beginning(response)
            finally:
                await response.aclose()
            busy = response.status_code == _TOO_MANY_REQUESTS
            otherwise = _BUSY_RETRY_S if busy else _RETRY_AFTER_S
            wait_s = stated_wait_s(response.headers, datetime.now(UTC), otherwise=otherwise, most=_MAX_RETRY_AFTER_S)
            if busy and not out_of_credit(said):
                raise EngineBusyError(wait_s)
            if not sent.mended(response.status_code, said):
                raise refusal(
                    response.status_code,
                    said,
                    model=self._model_id,
                    context_tokens=self._context_tokens,
                    retry_after_s=wait_s,
                )


class _Bounded:
    """A response as EventSource reads it, which keeps whatever comes until an event is whole.

    Always UTF-8, as the standard has it, whatever the headers say, and without the mark that some put before it.
    `unfinished` are the characters since the last event; whoever takes one sets it back.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.headers = response.headers
        self.unfinished = 0
        self._response = response

    async def aiter_text(self) -> AsyncGenerator[str]:
        """Raises EngineUnavailableError."""
        decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        async for block in self._response.aiter_bytes():
            text = decoder.decode(block)
            self.unfinished += len(text)
            if self.unfinished > _LONGEST_EVENT:
                raise EngineUnavailableError("The upstream sends an event that doesn't end.")
            yield text


async def _beginning(response: httpx.Response) -> str:
    """Of an error's body, however long it is and wherever it breaks off or stalls: the status says the most."""
    body = b""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_ERROR_S):
            async for block in response.aiter_bytes():
                body += block
                if len(body) >= _ERROR_BYTES:
                    break
    return body[:_ERROR_BYTES].decode("utf-8", "replace")
