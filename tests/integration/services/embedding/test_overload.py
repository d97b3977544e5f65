"""Full queues, passed deadlines, clients that leave, and hits that wait for none of it: over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import jwt
import pytest
from redis.asyncio import Redis

from libs.config.settings import Settings
from libs.security.tokens import ServiceTokens
from tests.integration.services.embedding.held import LIFE_S, HeldModel, held_service
from tests.loopback import serving
from tests.stack import until

MAX_WAITING = 8


@pytest.fixture
async def model(models_dir: Path) -> HeldModel:
    if not (models_dir / "minilm").is_dir():
        pytest.skip("the weights 'minilm' aren't installed")
    return HeldModel(models_dir / "minilm")


@pytest.fixture
async def client(model: HeldModel, settings: Settings, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    token = ServiceTokens("knowledge", settings.secrets_dir).sign("embedding")
    async with (
        serving(held_service(settings, model, max_waiting=MAX_WAITING, redis=redis)) as url,
        httpx.AsyncClient(base_url=url, timeout=30, headers={"X-Service-Token": token}) as client,
    ):
        yield client
        model.free.set()


def embed(client: httpx.AsyncClient, texts: list[str], **headers: str) -> "asyncio.Task[httpx.Response]":
    return asyncio.create_task(client.post("/v1/embeddings", json={"input": texts, "truncate": True}, headers=headers))


async def hold(client: httpx.AsyncClient, model: HeldModel) -> "asyncio.Task[httpx.Response]":
    """The model is in a batch from here on."""
    model.free.clear()
    model.busy.clear()
    blocking = embed(client, ["the one that blocks"])
    await asyncio.to_thread(model.busy.wait, 10)
    model.batches.clear()
    return blocking


async def until_waiting(client: httpx.AsyncClient, lane: str = "query", texts: int = MAX_WAITING) -> None:
    async def look() -> bool | None:
        metrics = (await client.get("/metrics")).text
        return f'footnote_embedding_waiting{{lane="{lane}",model="held"}} {texts}.0' in metrics or None

    await until(look)


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(client: httpx.AsyncClient, model: HeldModel):
    assert (await embed(client, ["warm"])).status_code == 200
    blocking = await hold(client, model)
    waiting = embed(client, [f"waiting {number}" for number in range(MAX_WAITING)])
    await until_waiting(client)
    answer = await embed(client, ["one more"])
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["error"]["code"] == "OVERLOADED"
    assert answer.json()["error"]["type"] == "rate_limit_error"
    model.free.set()
    assert [(await one).status_code for one in (blocking, waiting)] == [200, 200]


async def test_many_texts_from_outside_hold_up_nobodys_search(
    client: httpx.AsyncClient, model: HeldModel, settings: Settings
):
    outside = {"X-Service-Token": ServiceTokens("gateway", settings.secrets_dir).sign("embedding")}
    model.holds = "ingest"
    model.free.clear()
    first = embed(client, [f"of many {number}" for number in range(MAX_WAITING)], **outside)
    await asyncio.to_thread(model.busy.wait, 10)
    more = embed(client, [f"of more {number}" for number in range(MAX_WAITING)], **outside)
    await until_waiting(client, "ingest")
    assert (await embed(client, ["a search"])).status_code == 200
    assert (await embed(client, ["one from outside"], **outside)).status_code == 200
    model.free.set()
    assert [(await one).status_code for one in (first, more)] == [200, 200]


async def test_known_texts_are_answered_while_the_queue_is_full_and_the_model_busy(
    client: httpx.AsyncClient, model: HeldModel
):
    texts = ["known one", "known two " * 400]
    first = await embed(client, texts)
    blocking = await hold(client, model)
    waiting = embed(client, [f"waiting {number}" for number in range(MAX_WAITING)])
    await until_waiting(client)
    again = await embed(client, texts)
    assert again.json() == first.json()
    model.free.set()
    await asyncio.gather(blocking, waiting)


async def test_a_known_querys_tokens_are_not_made_again(client: httpx.AsyncClient, model: HeldModel):
    async def tokens(texts: list[str], role: str) -> httpx.Response:
        return await client.post("/embed_tokens", json={"texts": texts, "role": role})

    first = await tokens(["tokens of this?"], "query")
    model.batches.clear()
    assert (await tokens(["tokens of this?"], "query")).json() == first.json()
    assert (await embed(client, ["tokens of this?"])).status_code == 200
    assert not model.batches
    both = (await tokens(["another?", "tokens of this?"], "query")).json()["data"]
    assert [both[1]] == first.json()["data"]
    assert both[0] != both[1]
    assert [len(batch) for batch in model.batches] == [1]
    passage = (await tokens(["tokens of this?"], "passage")).json()["data"][0]
    assert passage["tokens"] != both[1]["tokens"]


async def test_only_what_is_unknown_waits_for_the_model(client: httpx.AsyncClient, model: HeldModel):
    await embed(client, ["known"])
    model.batches.clear()
    answer = await embed(client, ["known", "new", "new", "known"])
    rows = [item["embedding"] for item in answer.json()["data"]]
    assert rows[0] == rows[3] != rows[1] == rows[2]
    assert sum(map(len, model.batches)) == 1


async def test_work_whose_deadline_passed_is_not_done(client: httpx.AsyncClient, model: HeldModel):
    blocking = await hold(client, model)
    late = await embed(client, ["too late"] * MAX_WAITING, **{"X-Deadline-Ms": "30"})
    assert late.status_code == 504
    assert late.json()["error"]["code"] == "DEADLINE_EXCEEDED"
    in_time = embed(client, [f"in time {number}" for number in range(MAX_WAITING)], **{"X-Deadline-Ms": "20000"})
    model.free.set()
    assert (await in_time).status_code == 200
    await blocking
    assert sum(map(len, model.batches)) == MAX_WAITING


async def test_a_deadline_of_nothing_is_answered_without_work(client: httpx.AsyncClient, model: HeldModel):
    answer = await embed(client, ["now or never"], **{"X-Deadline-Ms": "0"})
    assert answer.status_code == 504
    assert model.batches == []


async def test_a_client_that_leaves_frees_its_place(client: httpx.AsyncClient, model: HeldModel):
    blocking = await hold(client, model)
    leaving = embed(client, [f"leaving {number}" for number in range(MAX_WAITING)])
    await until_waiting(client)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await until_waiting(client, texts=0)
    texts = [f"staying {number}" for number in range(MAX_WAITING)]
    staying = embed(client, texts)
    await until_waiting(client)
    model.free.set()
    assert (await staying).status_code == 200
    await blocking
    assert sorted(ids for batch in model.batches for ids in batch) == sorted(model.tokenizer.read(texts))


async def test_another_process_finds_in_redis_what_this_one_made(
    client: httpx.AsyncClient, model: HeldModel, settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    # On a busy machine Redis may take longer than its answers are worth waiting for.
    monkeypatch.setattr("services.embedding.adapters.redis_vectors.ANSWER_WITHIN_S", 10)
    first = await embed(client, ["shared by all"])
    key = await until(lambda: _a_key(redis))
    assert key.startswith(b"embedding:")
    assert 0 < await redis.ttl(key) <= LIFE_S
    other = HeldModel(settings.models_dir / "minilm")
    async with (
        serving(held_service(settings, other, redis=redis)) as url,
        httpx.AsyncClient(base_url=url, headers=client.headers, timeout=30) as second,
    ):
        assert (await embed(second, ["shared by all"])).json() == first.json()
        assert other.batches == []
        await redis.set(key, b"not a vector")
    async with (
        serving(held_service(settings, other, redis=redis)) as url,
        httpx.AsyncClient(base_url=url, headers=client.headers, timeout=30) as third,
    ):
        assert (await embed(third, ["shared by all"])).json() == first.json()
        assert len(other.batches) == 1


async def _a_key(redis: Redis) -> bytes | None:
    keys = await redis.keys("embedding:*")
    return keys[0] if keys and isinstance(keys[0], bytes) else None


async def test_another_tenants_text_is_made_anew(client: httpx.AsyncClient, model: HeldModel):
    def user(organization: str) -> dict[str, str]:
        return {"Authorization": "Bearer " + jwt.encode({"org": organization}, "k" * 32, "HS256")}

    for organization, made in (("harbour", 1), ("harbour", 1), ("railway", 2)):
        assert (await embed(client, ["a guess"], **user(organization))).status_code == 200
        assert len(model.batches) == made


async def test_ingestion_fills_no_cache(client: httpx.AsyncClient, model: HeldModel, redis: Redis):
    for _ in range(2):
        assert (await embed(client, ["a passage"], **{"X-Lane": "ingest"})).status_code == 200
    assert len(model.batches) == 2
    assert await redis.keys("embedding:*") == []


async def test_without_redis_it_is_slower_and_no_error(settings: Settings, model: HeldModel, client: httpx.AsyncClient):
    gone = Redis.from_url("unix:///nowhere/valkey.sock")
    async with (
        serving(held_service(settings, model, redis=gone)) as url,
        httpx.AsyncClient(base_url=url, headers=client.headers, timeout=30) as alone,
    ):
        for text in ("one", "two", "one"):
            assert (await embed(alone, [text])).status_code == 200
    await gone.aclose()
