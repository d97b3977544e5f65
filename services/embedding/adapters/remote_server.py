"""The calls to a server of embeddings: bounded in time, size and attempts, each failure with what a caller may know."""

import asyncio
from datetime import UTC, datetime
from typing import Any, NoReturn

import httpx
from opentelemetry.instrumentation.utils import suppress_http_instrumentation

from libs.clients.context import current_context
from libs.clients.retry_after import stated_wait_s
from libs.contracts.errors import ErrorCode, FootnoteError, overloaded
from libs.telemetry.logs import get_logger
from services.embedding.adapters.remote_protocols import TOKENS_HEADER, UnusableAnswerError, said
from services.embedding.refusals import EMBEDDING_MODEL

log = get_logger(__name__)

TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 2.0
# Of a caller's time: the rest is for telling it so.
SHARE_OF_DEADLINE = 0.8
# One more attempt, for calls that the server wasn't reached by or couldn't take.
ATTEMPTS = 2
PAUSE_S = 0.2
RETRY_AFTER_S = 2
MAX_RETRY_AFTER_S = 60
# Of an answer: a number takes about ten bytes as text.
MAX_BYTES_PER_TEXT = 200_000
REASON_CHARS = 300

OK, TOO_MANY_REQUESTS, SERVER_ERROR = 200, 429, 500
# What says that the text, not the server, is at fault.
REFUSALS = frozenset({400, 413, 422})
# What another attempt may mend.
PASSING = frozenset({502, 503, 504})


class TextRefusedError(FootnoteError):
    """A text is at fault; `reason` are the server's own words."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(
            ErrorCode.VALIDATION_ERROR, f"The server of {model!r} refuses the text: {reason}", 422, {"param": "input"}
        )
        self.reason = reason


class RemoteServer:
    """Sends the configured key, and nothing of the caller: no identity, no trace. Redirects aren't followed.

    Raises FootnoteError: 429 with the server's own Retry-After where it has too much to do, 422 for a text that it
    refuses, 503 where it can't be reached within the caller's deadline, 502 for an answer that can't be used.
    """

    def __init__(self, model: str, api_key: str, connections: int, kind: str = EMBEDDING_MODEL) -> None:
        """`model` and `kind` are what callers know of it."""
        self._model = model
        self._called = f"the {kind} {model!r}"
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            limits=httpx.Limits(max_connections=connections),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def post(self, url: str, body: dict[str, Any], texts: int) -> httpx.Response:
        """A success, read whole."""
        remaining = current_context().remaining_s()
        budget = TIMEOUT_S if remaining is None else min(TIMEOUT_S, remaining * SHARE_OF_DEADLINE)
        response = None
        try:
            async with asyncio.timeout(budget):
                for attempt in range(ATTEMPTS):
                    if attempt:
                        await asyncio.sleep(PAUSE_S)
                    response = await self._attempt(url, body, texts)
                    if response is not None and response.status_code not in PASSING:
                        return self._checked(response)
        except TimeoutError:
            raise self._unavailable(f"didn't answer within {budget:.1f} s") from None
        raise self._unavailable("can't be reached" if response is None else f"answered {response.status_code}")

    async def _attempt(self, url: str, body: dict[str, Any], texts: int) -> httpx.Response | None:
        """None where the server can't be reached or breaks off."""
        timeout = httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        try:
            with suppress_http_instrumentation():
                async with self._http.stream("POST", url, json=body, timeout=timeout) as response:
                    content = bytearray()
                    async for piece in response.aiter_bytes():
                        content += piece
                        if len(content) > MAX_BYTES_PER_TEXT * (texts + 1):
                            self.refuse(UnusableAnswerError("its answer doesn't end"))
                    return httpx.Response(
                        response.status_code, headers=_plain(response.headers), content=bytes(content)
                    )
        except httpx.TransportError as error:
            log.warning("remote model not reached", model=self._model, reason=f"{type(error).__name__}: {error}")
            return None

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.status_code == OK:
            return response
        reason = said(response, REASON_CHARS)
        if response.status_code == TOO_MANY_REQUESTS:
            raise overloaded(self._called, _retry_after_s(response))
        if response.status_code in REFUSALS:
            raise TextRefusedError(self._model, reason)
        if response.status_code >= SERVER_ERROR:
            raise self._unavailable(f"answered {response.status_code}")
        # Its key, its address or its model's name: the operator's to mend, so the caller isn't told more.
        log.error("remote model refuses", model=self._model, status=response.status_code, reason=reason)
        raise self._broken("refuses to answer; the operator's log says why")

    def refuse(self, error: UnusableAnswerError) -> NoReturn:
        """Raises what a caller may know of an answer that can't be used."""
        log.error("remote model's answer can't be used", model=self._model, reason=str(error))
        raise self._broken(f"gave an answer that can't be used: {error}") from error

    def _broken(self, what: str) -> FootnoteError:
        return FootnoteError(ErrorCode.UPSTREAM_UNAVAILABLE, f"The server of {self._called} {what}.", 502)

    def _unavailable(self, what: str) -> FootnoteError:
        return FootnoteError(
            ErrorCode.UPSTREAM_UNAVAILABLE,
            f"The server of {self._called} {what}. Try again in {RETRY_AFTER_S} s.",
            503,
            {"service": "embedding"},
            {"Retry-After": str(RETRY_AFTER_S)},
        )


def _plain(headers: httpx.Headers) -> dict[str, str]:
    """What is read of the headers; the body's encoding is undone already."""
    return {name: headers[name] for name in ("Retry-After", TOKENS_HEADER) if name in headers}


def _retry_after_s(response: httpx.Response) -> int:
    return stated_wait_s(response.headers, datetime.now(UTC), otherwise=RETRY_AFTER_S, most=MAX_RETRY_AFTER_S)
