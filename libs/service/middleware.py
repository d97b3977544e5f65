"""What every request passes through: its context, its log line and metrics, and a limit on stalled bodies."""

import asyncio
import re
import time
from typing import Literal
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.clients.context import Lane, RequestContext, use_context
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.service.errors import error_response, internal_error
from libs.telemetry.logs import get_logger
from libs.telemetry.metrics import REQUEST_SECONDS, REQUESTS

log = get_logger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
DEADLINE_MS = re.compile(r"[0-9]{1,9}")  # up to eleven days
SERVER_ERROR = 500


class RequestContextMiddleware:
    """Gives each request its context, answers with its X-Request-ID, logs and counts it.

    `trusted` services take deadline and lane from the caller; the gateway, whose callers are anyone, doesn't.
    """

    def __init__(self, app: ASGIApp, service: str, *, trusted: bool) -> None:
        self._app = app
        self._service = service
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        context = self._context(headers)
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = context.request_id
            await send(message)

        with use_context(context), structlog.contextvars.bound_contextvars(request_id=context.request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception:
                # Answered here: what passes on from here closes the connection, with other requests waiting on it.
                log.exception("unexpected error", path=scope["path"])
                if status:
                    raise
                await error_response(scope["path"], internal_error())(scope, receive, send_with_id)
            finally:
                self._record(scope, status, time.perf_counter() - started)

    def _context(self, headers: Headers) -> RequestContext:
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(uuid4())
        authorization = headers.get("authorization")
        if authorization and not authorization.isascii():
            # No token of ours; sent on, it would break the call that carries it.
            authorization = None
        if not self._trusted:
            return RequestContext(request_id, authorization)
        lane: Lane = "ingest" if headers.get("x-lane") == "ingest" else "query"
        deadline_ms = headers.get("x-deadline-ms", "")
        deadline = time.monotonic() + int(deadline_ms) / 1000 if DEADLINE_MS.fullmatch(deadline_ms) else None
        return RequestContext(request_id, authorization, deadline, lane)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        if route.startswith(("/health", "/metrics")):
            return
        REQUESTS.labels(self._service, scope["method"], route, status).inc()
        REQUEST_SECONDS.labels(self._service, scope["method"], route).observe(seconds)
        level: Literal["info", "warning"] = "warning" if status >= SERVER_ERROR else "info"
        getattr(log, level)(
            "request", method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1000, 1)
        )


class BodyMiddleware:
    """Answers 408 where a request's body stops arriving, and 413 where it is, or says it is, above `max_bytes`.

    None is no limit.
    """

    def __init__(self, app: ASGIApp, silence_s: float, max_bytes: int | None) -> None:
        self._app = app
        self._silence_s = silence_s
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._silence_s, self._max_bytes)
        started = False

        async def send_noting_start(message: Message) -> None:
            nonlocal started
            if body.refusal and not started:
                return  # what the application makes of a body that it couldn't read
            started = started or message["type"] == "http.response.start"
            await send(message)

        said = Headers(scope=scope).get("content-length", "")
        try:
            body.check(int(said) if said.isdecimal() else 0)
            await self._app(scope, body.receive, send_noting_start)
        except FootnoteError as error:
            if started:
                raise
            body.refusal = error
        if body.refusal and not started:
            await error_response(scope["path"], body.refusal)(scope, receive, send)


class _Body:
    """A request's body as it arrives. `refusal` is what ended it early, whatever its reader makes of that."""

    def __init__(self, receive: Receive, silence_s: float, max_bytes: int | None) -> None:
        self.refusal: FootnoteError | None = None
        self._receive = receive
        self._silence_s = silence_s
        self._max_bytes = max_bytes
        self._complete = False
        self._size = 0

    async def receive(self) -> Message:
        """Raises `refusal`."""
        if self._complete:
            return await self._receive()
        try:
            return await self._next()
        except FootnoteError as error:
            self.refusal = error
            raise

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(self._silence_s):
                message = await self._receive()
        except TimeoutError as error:
            raise FootnoteError(
                ErrorCode.REQUEST_TIMEOUT,
                f"The request's body stopped arriving for {self._silence_s:g} s. Send it again.",
                408,
                headers={"Connection": "close"},
            ) from error
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        self.check(self._size)
        return message

    def check(self, size: int) -> None:
        """Raises 413 for more bytes than may come."""
        if self._max_bytes is not None and size > self._max_bytes:
            raise FootnoteError(
                ErrorCode.PAYLOAD_TOO_LARGE,
                f"The body is larger than {self._max_bytes:,} bytes. Send less at once.",
                413,
                {"max_bytes": self._max_bytes},
            )
