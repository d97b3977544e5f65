"""The call from one service to another: identity, deadline, bounded retries, circuit breaker."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import stamina
from circuitbreaker import CircuitBreaker
from pydantic import BaseModel

from libs.clients.context import current_context
from libs.contracts.errors import ErrorCode, FootnoteError, deadline_exceeded, unavailable
from libs.security.tokens import ServiceTokens

DEFAULT_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 1.0
ATTEMPTS = 3
BREAKER_THRESHOLD = 8
BREAKER_OPEN_S = 1.0
SERVICE_UNAVAILABLE = 503

Answer = TypeVar("Answer", bound=BaseModel)


class _Retryable(Exception):  # noqa: N818 - a signal between the attempt and the retry loop, never seen outside
    def __init__(self, error: FootnoteError) -> None:
        self.error = error


class ServiceClient:
    """Calls one service as this one, on behalf of the current request's user.

    Raises FootnoteError: the service's own 4xx as it is, 503 where it can't be reached or fails, 504 past the deadline.
    Only calls marked idempotent are tried again, and only where the service wasn't reached or answered 503.
    """

    def __init__(self, service: str, base_url: str, tokens: ServiceTokens, http: httpx.AsyncClient) -> None:
        self.service = service
        self._base_url = base_url
        self._tokens = tokens
        self._http = http
        self._breaker = CircuitBreaker(BREAKER_THRESHOLD, BREAKER_OPEN_S, expected_exception=httpx.TransportError)

    async def call(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        *,
        body: BaseModel | None = None,
        params: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool = False,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Answer:
        """One request whose answer is parsed as `answer`."""
        response = await self.send(
            method, path, body=body, params=params, headers=headers, idempotent=idempotent, timeout_s=timeout_s
        )
        return answer.model_validate_json(response.content)

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: BaseModel | None = None,
        params: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool = False,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> httpx.Response:
        """One request; the response is a success and read whole."""
        content = None if body is None else body.model_dump_json().encode()
        try:
            async for attempt in stamina.retry_context(
                on=_Retryable, attempts=ATTEMPTS if idempotent else 1, wait_initial=0.05, wait_max=0.5, wait_jitter=0.1
            ):
                with attempt:
                    return await self._once(method, path, content, params, headers or {}, timeout_s)
        except _Retryable as failed:
            raise failed.error from failed.__cause__
        raise AssertionError("stamina ends by returning or raising")

    async def _once(
        self,
        method: str,
        path: str,
        content: bytes | None,
        params: dict[str, Any] | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> httpx.Response:
        async with self._guarded():
            response = await self._http.request(
                method,
                self._base_url + path,
                content=content,
                params=params,
                headers={**self._headers(json_body=content is not None), **headers},
                timeout=self._timeout(timeout_s),
            )
            self._raise_for_error(response)
            return response

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        body: BaseModel | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> AsyncGenerator[httpx.Response]:
        """A response whose body is read as it comes; `timeout_s` bounds each wait for a piece. Never tried again."""
        content = None if body is None else body.model_dump_json().encode()
        try:
            async with self._guarded():
                request = self._http.build_request(
                    method,
                    self._base_url + path,
                    content=content,
                    headers={**self._headers(json_body=content is not None), **(headers or {})},
                    timeout=self._timeout(timeout_s),
                )
                response = await self._http.send(request, stream=True)
                if response.is_error:
                    await response.aread()
                    await response.aclose()
                self._raise_for_error(response)
        except _Retryable as failed:
            raise failed.error from failed.__cause__
        try:
            yield response
        except httpx.TimeoutException as error:
            raise deadline_exceeded(self.service) from error
        except httpx.TransportError as error:
            raise unavailable(self.service) from error
        finally:
            await response.aclose()

    @asynccontextmanager
    async def _guarded(self) -> AsyncGenerator[None]:
        """Counts failures of the service, not of the request, and fails at once while the circuit is open."""
        if self._breaker.opened:
            raise unavailable(self.service)
        try:
            with self._breaker:
                yield
        except httpx.TimeoutException as error:
            reached = not isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
            if reached:
                raise deadline_exceeded(self.service) from error
            raise _Retryable(unavailable(self.service)) from error
        except httpx.TransportError as error:
            raise _Retryable(unavailable(self.service)) from error

    def _headers(self, *, json_body: bool) -> dict[str, str]:
        context = current_context()
        headers = {
            "X-Service-Token": self._tokens.sign(self.service),
            "X-Request-ID": context.request_id,
            "X-Lane": context.lane,
        }
        if json_body:
            headers["Content-Type"] = "application/json"
        if context.authorization:
            headers["Authorization"] = context.authorization
        remaining = context.remaining_s()
        if remaining is not None:
            headers["X-Deadline-Ms"] = str(int(remaining * 1000))
        return headers

    def _timeout(self, timeout_s: float) -> httpx.Timeout:
        remaining = current_context().remaining_s()
        total = timeout_s if remaining is None else min(timeout_s, remaining)
        if total <= 0:
            raise deadline_exceeded(self.service)
        return httpx.Timeout(total, connect=min(CONNECT_TIMEOUT_S, total))

    def _raise_for_error(self, response: httpx.Response) -> None:
        if not response.is_error:
            return
        error = _error_of(response)
        if response.status_code == SERVICE_UNAVAILABLE:
            raise _Retryable(error or unavailable(self.service))
        if error is None or response.is_server_error:
            raise unavailable(self.service)
        raise error


def _error_of(response: httpx.Response) -> FootnoteError | None:
    """The envelope, or OpenAI's error object, as the error it stands for; None where the body is neither."""
    try:
        body = response.json()
        inner = body.get("error", body)
        code = ErrorCode(inner["code"])
        details: dict[str, Any] = inner.get("details") or {}
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    headers = {"Retry-After": response.headers["Retry-After"]} if "Retry-After" in response.headers else {}
    return FootnoteError(code, inner["message"], response.status_code, details, headers)


def service_http() -> httpx.AsyncClient:
    """The connection pool that a process's clients share."""
    limits = httpx.Limits(max_connections=1_000, max_keepalive_connections=100, keepalive_expiry=4.0)
    return httpx.AsyncClient(limits=limits, trust_env=False)
