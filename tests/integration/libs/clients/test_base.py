import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from libs.clients.base import BREAKER_THRESHOLD, ServiceClient, service_http
from libs.clients.context import RequestContext, use_context
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.security.keys import ensure_key_pairs
from libs.security.tokens import ServiceTokens
from tests.loopback import serving


class Answer(BaseModel):
    headers: dict[str, str]


class FarSide:
    """A service that answers as it is told and remembers its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.statuses: list[int] = []
        self.app = FastAPI()
        self.app.add_api_route("/", self.answer, methods=["GET", "POST"])
        self.app.add_api_route("/slow", self.slow)

    async def answer(self, request: Request) -> Response:
        self.calls += 1
        status = self.statuses.pop(0) if self.statuses else 200
        if status != 200:
            body = {"code": "QUOTA_EXCEEDED", "message": "Used up.", "details": {"limit": 1}, "request_id": "r"}
            return JSONResponse(body, status)
        return JSONResponse({"headers": dict(request.headers)})

    async def slow(self) -> None:
        await asyncio.sleep(30)


@pytest.fixture
def tokens(tmp_path: Path) -> ServiceTokens:
    ensure_key_pairs(tmp_path, ["chat", "billing"])
    return ServiceTokens("chat", tmp_path)


@pytest.fixture
async def far() -> FarSide:
    return FarSide()


@pytest.fixture
async def client(far: FarSide, tokens: ServiceTokens) -> AsyncIterator[ServiceClient]:
    async with serving(far.app) as url, service_http() as http:
        yield ServiceClient("billing", url, tokens, http)


async def test_the_callers_identity_and_deadline_travel(client: ServiceClient) -> None:
    context = RequestContext("r-1", "Bearer user", time.monotonic() + 60, "ingest")
    with use_context(context):
        headers = (await client.call("GET", "/", Answer)).headers
    assert headers["authorization"] == "Bearer user"
    assert headers["x-request-id"] == "r-1"
    assert headers["x-lane"] == "ingest"
    assert 30_000 < int(headers["x-deadline-ms"]) <= 60_000
    assert headers["x-service-token"]


async def test_only_an_idempotent_call_is_tried_again(client: ServiceClient, far: FarSide) -> None:
    far.statuses = [503, 503]
    await client.call("GET", "/", Answer, idempotent=True)
    assert far.calls == 3
    far.statuses = [503]
    with pytest.raises(FootnoteError) as caught:
        await client.call("GET", "/", Answer)
    assert caught.value.status == 503
    assert far.calls == 4


async def test_a_refusal_arrives_as_it_was_said(client: ServiceClient, far: FarSide) -> None:
    far.statuses = [429]
    with pytest.raises(FootnoteError) as caught:
        await client.call("GET", "/", Answer, idempotent=True)
    assert (caught.value.code, caught.value.status) == (ErrorCode.QUOTA_EXCEEDED, 429)
    assert caught.value.details == {"limit": 1}
    assert far.calls == 1


async def test_an_inner_failure_is_not_shown(client: ServiceClient, far: FarSide) -> None:
    far.statuses = [500]
    with pytest.raises(FootnoteError) as caught:
        await client.call("GET", "/", Answer)
    assert (caught.value.code, caught.value.status) == (ErrorCode.UPSTREAM_UNAVAILABLE, 503)


async def test_a_late_answer_ends_at_the_requests_deadline(client: ServiceClient) -> None:
    started = time.monotonic()
    with use_context(RequestContext(deadline=started + 0.2)), pytest.raises(FootnoteError) as caught:
        await client.call("GET", "/slow", Answer, idempotent=True)
    assert caught.value.status == 504
    # The far side takes 30 s.
    assert time.monotonic() - started < 20


async def test_a_dead_service_is_no_longer_asked_until_it_is_back(
    tokens: ServiceTokens, far: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long a busy machine takes for the calls.
    monkeypatch.setattr("libs.clients.base.BREAKER_OPEN_S", 60.0)
    tried = 0

    async def count(_request: httpx.Request) -> None:
        nonlocal tried
        tried += 1

    async with service_http() as http:
        http.event_hooks = {"request": [count], "response": []}
        async with serving(far.app) as url:
            pass
        client = ServiceClient("billing", url, tokens, http)
        for _ in range(BREAKER_THRESHOLD):
            with pytest.raises(FootnoteError):
                await client.call("GET", "/", Answer)
        assert tried == BREAKER_THRESHOLD
        with pytest.raises(FootnoteError) as caught:
            await client.call("GET", "/", Answer, idempotent=True)
        assert caught.value.status == 503
        assert tried == BREAKER_THRESHOLD


async def test_leaving_a_stream_closes_it(tokens: ServiceTokens) -> None:
    ended = asyncio.Event()
    app = FastAPI()

    async def speak() -> AsyncGenerator[bytes]:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    from libs.service.streaming import event_stream

    app.add_api_route("/", lambda: event_stream(speak()))
    async with serving(app) as url, service_http() as http:
        client = ServiceClient("generation", url, tokens, http)
        async with client.stream("GET", "/") as response:
            await anext(response.aiter_bytes())
        await asyncio.wait_for(ended.wait(), 30)


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with serving(FarSide().app) as url, service_http() as http:
        assert isinstance(http, httpx.AsyncClient)
        assert (await http.get(url)).status_code == 200
