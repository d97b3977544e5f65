"""Models on other servers: what is sent, what comes of each way of failing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import Response
from fastapi.responses import JSONResponse
from redis.asyncio import Redis

from libs.clients.base import ServiceClient
from libs.clients.context import RequestContext, use_context
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import RemoteModel, Settings
from libs.contracts.errors import FootnoteError
from libs.security.tokens import ServiceTokens
from services.embedding.adapters.remote import MOST_CUTS
from services.embedding.main import build
from tests.integration.services.embedding.tei import DIMENSION, Tei, row
from tests.loopback import serving
from tests.stack import until

Started = Callable[..., AbstractAsyncContextManager[EmbeddingClient]]


@pytest.fixture
def tei() -> Tei:
    return Tei()


@pytest.fixture
def started(settings: Settings, redis: Redis) -> Started:
    """The service with one remote model, over real HTTP."""

    @asynccontextmanager
    async def start(url: str, **options: Any) -> AsyncIterator[EmbeddingClient]:
        remote = RemoteModel(url=url, max_tokens=20, revision="1", **options)
        embedding = settings.embedding.model_copy(update={"model": "far", "remotes": {"far": remote}})
        tokens = ServiceTokens("knowledge", settings.secrets_dir)
        async with (
            serving(build(settings.model_copy(update={"embedding": embedding}))) as address,
            httpx.AsyncClient() as http,
        ):
            client = EmbeddingClient(ServiceClient("embedding", address, tokens, http))
            await until(lambda: _there(client))
            yield client

    return start


async def _there(client: EmbeddingClient) -> bool | None:
    try:
        return bool(await client.models())
    except FootnoteError:
        return None


def unit(texts: list[str]) -> np.ndarray:
    rows = np.array([row(text) for text in texts], np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(("protocol", "path"), [("tei", ""), ("openai", "/v1")])
async def test_vectors_come_from_the_server_and_nothing_of_the_caller_goes_there(
    tei: Tei, started: Started, protocol: str, path: str
):
    options = {"protocol": protocol, "model": "bge", "api_key": "the key", "max_texts": 2}
    async with serving(tei.app) as url, started(url + path, **options) as client:
        (info,) = await client.models()
        assert (info.id, info.dimension, info.max_tokens, info.space) == ("far", DIMENSION, 20, "far@1")
        texts = [f"text {number}" for number in range(5)]
        with use_context(RequestContext(authorization="Bearer the.users.token", request_id="the-request")):
            rows = await client.embed(texts)
            again = await client.embed([*texts, "another"])
        np.testing.assert_allclose(rows, unit(texts), atol=1e-6)
        np.testing.assert_allclose(again, unit([*texts, "another"]), atol=1e-6)
    key = "inputs" if protocol == "tei" else "input"
    assert [body[key] for _, body in tei.calls[1:]] == [texts[:2], texts[2:4], texts[4:], ["another"]]
    for headers in tei.headers:
        assert headers.pop("authorization") == "Bearer the key"
        assert set(headers) <= {
            "host",
            "accept",
            "accept-encoding",
            "connection",
            "user-agent",
            "content-length",
            "content-type",
        }


async def test_a_remote_has_no_token_vectors_and_says_so(tei: Tei, started: Started):
    async with serving(tei.app) as url, started(url, protocol="tei") as client:
        passages = await client.embed_passages(["one", "two"])
        assert passages.tokens == (b"", b"")
        query = await client.embed_query("one?")
        assert query.tokens.shape == (0, 0)
        assert query.space == passages.space == "far@1"
        scores = await client.rerank("one", ["one", "something else"])
        assert scores[0] == pytest.approx(1, abs=1e-5)


async def test_a_reranker_of_its_own_ranks(tei: Tei, started: Started):
    async with serving(tei.app) as url, started(url, protocol="tei", rerank_url=url) as client:
        scores = await client.rerank("tide", ["the town", "the tide"])
    np.testing.assert_allclose(scores, [-0.6, 0.8], atol=1e-6)
    assert tei.calls[-1][0] == "/rerank"


@pytest.mark.parametrize(
    ("answers", "status", "words"),
    [
        ([[[1.0] * 5]], 502, "5 dimensions where 6"),
        ([[[1.0] * 6] * 2], 502, "2 vectors for 1 texts"),
        ([[[float("nan")] * 6]], 502, "no number"),
        ([[[0.0] * 6]], 502, "zero"),
        ([JSONResponse({"rows": []})], 502, "something else"),
        ([Response("<html>", 200)], 502, "something else"),
        ([JSONResponse({"error": "no such key"}, 401)], 502, "refuses"),
        ([Response(status_code=302, headers={"Location": "http://localhost/"})], 502, "refuses"),
        ([JSONResponse({"error": "Given: 900"}, 422)], 400, "Given: 900"),
        ([JSONResponse({"error": "busy"}, 429, {"Retry-After": "17"})], 429, "17 s"),
        ([JSONResponse({"error": "busy"}, 429, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"})], 429, "1 s"),
        ([JSONResponse({"error": "busy"}, 429, {"Retry-After": "soon"})], 429, "2 s"),
        ([JSONResponse({}, 500)], 503, "answered 500"),
        ([JSONResponse({}, 503), JSONResponse({}, 503)], 503, "answered 503"),
    ],
)
async def test_each_failure_is_told_apart(
    tei: Tei, started: Started, settings: Settings, answers: list[Any], status: int, words: str
):
    headers = {"X-Service-Token": ServiceTokens("chat", settings.secrets_dir).sign("embedding")}
    async with serving(tei.app) as url, started(url, protocol="tei") as client:
        tei.answers = [*answers]
        address = client._service._base_url
        async with httpx.AsyncClient(base_url=address, headers=headers) as http:
            answer = await http.post("/v1/embeddings", json={"input": "x"})
            assert (answer.status_code, words in answer.json()["error"]["message"]) == (status, True), answer.text
            assert ("Retry-After" in answer.headers) == (status in {429, 503})
            assert tei.answers == []
            assert (await http.post("/v1/embeddings", json={"input": "x"})).status_code == 200


async def test_one_failure_that_passes_isnt_noticed(tei: Tei, started: Started):
    async with serving(tei.app) as url, started(url, protocol="tei") as client:
        tei.answers = [JSONResponse({}, 503)]
        np.testing.assert_allclose(await client.embed(["x"]), unit(["x"]), atol=1e-6)


async def test_a_silent_server_is_given_up_within_the_callers_deadline(
    tei: Tei, started: Started, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    # A small share, so that a busy machine has the time to tell of it before the deadline, which would be 504.
    monkeypatch.setattr("services.embedding.adapters.remote_server.SHARE_OF_DEADLINE", 0.1)
    token = ServiceTokens("chat", settings.secrets_dir).sign("embedding")
    async with serving(tei.app) as url, started(url, protocol="tei") as client:
        tei.hold.clear()
        headers = {"X-Service-Token": token, "X-Deadline-Ms": "4000"}
        async with httpx.AsyncClient(base_url=client._service._base_url, headers=headers) as http:
            answer = await http.post("/v1/embeddings", json={"input": "x"})
        tei.hold.set()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"


async def test_a_text_beyond_the_servers_limit_is_refused_in_its_words_where_cutting_isnt_wanted(
    tei: Tei, started: Started, settings: Settings
):
    token = ServiceTokens("chat", settings.secrets_dir).sign("embedding")
    async with (
        serving(tei.app) as url,
        started(url, protocol="tei") as client,
        httpx.AsyncClient(base_url=client._service._base_url, headers={"X-Service-Token": token}) as http,
    ):
        long = "word " * 50
        cut = await http.post("/v1/embeddings", json={"input": long, "truncate": True})
        refused = await http.post("/v1/embeddings", json={"input": long})
    assert cut.json()["usage"]["total_tokens"] == 20
    assert refused.status_code == 400
    assert "less than 20 tokens. Given: 50" in refused.json()["error"]["message"]


async def test_what_a_server_of_openais_protocol_refuses_for_its_length_is_sent_shorter(tei: Tei, started: Started):
    texts = ["one", "two", "a word " * 11, "four"]
    async with serving(tei.app) as url, started(f"{url}/v1", protocol="openai") as client:
        rows = await client.embed(texts)
    (shorter,) = tei.calls[-2][1]["input"]
    assert texts[2].startswith(shorter)
    assert 16 <= len(shorter.split()) <= 20
    np.testing.assert_allclose(rows, unit([*texts[:2], shorter, texts[3]]), atol=1e-6)


async def test_a_server_that_refuses_every_length_is_believed_in_the_end(tei: Tei, started: Started):
    async with serving(tei.app) as url, started(f"{url}/v1", protocol="openai") as client:
        tei.answers = [JSONResponse({"error": {"message": "Too many tokens."}}, 400)] * 20
        with pytest.raises(FootnoteError, match="Too many tokens"):
            await client.embed(["word " * 20])
        assert len(tei.answers) == 20 - 1 - MOST_CUTS


async def test_a_server_that_comes_later_is_found(tei: Tei, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.embedding.registry.RELOAD_S", 0.05)
    async with serving(tei.app) as url:
        tei.answers = [JSONResponse({}, 500)]
        remote = RemoteModel(url=url, protocol="tei", max_tokens=20, revision="1")
        embedding = settings.embedding.model_copy(update={"model": "far", "remotes": {"far": remote}})
        app = build(settings.model_copy(update={"embedding": embedding}))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://embedding") as http,
        ):

            async def ready() -> bool | None:
                return (await http.get("/health/ready")).status_code == 200 or None

            await until(ready)
    assert len(tei.calls) == 2


async def test_ingestion_leaves_room_for_queries(tei: Tei, started: Started):
    async with serving(tei.app) as url, started(url, protocol="tei") as client:
        tei.calls.clear()
        tei.hold.clear()
        with use_context(RequestContext(lane="ingest")):
            passages = [asyncio.create_task(client.embed([f"passage {number}"])) for number in range(20)]
        query = asyncio.create_task(client.embed(["the query"]))
        # The calls come in any order.
        await until(lambda: _asked(tei, "the query", calls=5))
        assert len(tei.calls) == 5
        tei.hold.set()
        await asyncio.gather(query, *passages)


async def _asked(tei: Tei, text: str, *, calls: int) -> bool | None:
    """Whether it has been asked for the text, and so often in all."""
    return (any(body["inputs"] == [text] for _, body in tei.calls) and len(tei.calls) >= calls) or None
