"""Passes a request on to its service and the answer back, both as they come, without buffering."""

from collections.abc import AsyncGenerator, AsyncIterator

import httpx
from fastapi import Request

from libs.clients.context import current_context
from libs.config.settings import ServiceName, Settings
from libs.contracts.errors import ErrorCode, FootnoteError, deadline_exceeded, unavailable
from libs.security.tokens import ServiceTokens
from libs.service.streaming import ClosingStreamingResponse
from libs.telemetry.logs import get_logger
from services.gateway.addresses import client_address

log = get_logger(__name__)

CONNECT_TIMEOUT_S = 2.0

# RFC 9110 section 7.6.1, and what only our own services may say.
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "host"}
)
OURS = frozenset({"authorization", "x-api-key", "x-service-token", "x-deadline-ms", "x-lane", "x-plan", "x-request-id"})
TRACE_CONTEXT = frozenset({"traceparent", "tracestate", "baggage"})
NOT_FORWARDED = HOP_BY_HOP | OURS | TRACE_CONTEXT | {"cookie", "forwarded", "x-forwarded-for", "accept-encoding"}
NOT_RETURNED = HOP_BY_HOP | {"date", "server", "x-request-id", "content-length"}


class Proxy:
    def __init__(self, settings: Settings, tokens: ServiceTokens, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._tokens = tokens
        self._http = http

    async def forward(
        self, request: Request, service: ServiceName, authorization: str | None, deadline_s: float, max_body_bytes: int
    ) -> ClosingStreamingResponse:
        """The service's answer. Raises 413 past `max_body_bytes`, 503 where the service is away, 504 when late."""
        upstream = self._http.build_request(
            request.method,
            self._settings.url(service) + target_as_sent(request),
            headers=self._headers(request, service, authorization, deadline_s),
            content=_bounded_body(request, max_body_bytes) if _has_body(request) else None,
            timeout=httpx.Timeout(deadline_s, connect=CONNECT_TIMEOUT_S),
        )
        try:
            response = await self._http.send(upstream, stream=True)
        except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise unavailable(service) from error
        except httpx.TimeoutException as error:
            raise deadline_exceeded(service) from error
        except httpx.TransportError as error:
            raise unavailable(service) from error
        headers = {name: value for name, value in response.headers.items() if name.lower() not in NOT_RETURNED}
        if "content-length" in response.headers and "content-encoding" not in response.headers:
            headers["content-length"] = response.headers["content-length"]
        return ClosingStreamingResponse(_answer_body(response, service), response.status_code, headers)

    def _headers(
        self, request: Request, service: ServiceName, authorization: str | None, deadline_s: float
    ) -> httpx.Headers:
        headers = [(name, value) for name, value in request.headers.items() if name not in NOT_FORWARDED]
        headers.append(("X-Service-Token", self._tokens.sign(service)))
        headers.append(("X-Request-ID", current_context().request_id))
        headers.append(("X-Deadline-Ms", str(int(deadline_s * 1000))))
        headers.append(("X-Forwarded-For", client_address(request, self._settings.trusted_proxies)))
        if authorization:
            headers.append(("Authorization", authorization))
        # As they came: Starlette reads a header's bytes as Latin-1, whatever they are.
        return httpx.Headers(headers, encoding="latin-1")


def target_as_sent(request: Request, *, without_slash: bool = False) -> str:
    """Path and query with their percent-encoding, so that the service reads what the caller wrote."""
    path: bytes = request.scope["raw_path"]
    if without_slash:
        path = path.rstrip(b"/")
    query: bytes = request.scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")


def _has_body(request: Request) -> bool:
    return "content-length" in request.headers or "transfer-encoding" in request.headers


async def _bounded_body(request: Request, max_bytes: int) -> AsyncIterator[bytes]:
    """The request's body as it comes; `max_bytes` holds for what is said and for what really arrives."""
    too_large = FootnoteError(
        ErrorCode.PAYLOAD_TOO_LARGE,
        f"The body is larger than {max_bytes:,} bytes. Send less at once.",
        413,
        {"max_bytes": max_bytes},
        {"Connection": "close"},
    )
    said = request.headers.get("content-length", "0")
    if not said.isdigit() or int(said) > max_bytes:
        raise too_large
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > max_bytes:
            raise too_large
        yield piece


async def _answer_body(response: httpx.Response, service: ServiceName) -> AsyncGenerator[bytes]:
    """The answer's bytes as they come. When the client goes away this is closed, and with it the service's request."""
    try:
        async for piece in response.aiter_raw():
            yield piece
    except httpx.TransportError as error:
        # The status has been sent; a broken connection is the only honest end.
        log.warning("answer broken off", service=service, error=type(error).__name__)
        raise
    finally:
        await response.aclose()
