import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import Response
from pydantic import BaseModel
from redis.asyncio import Redis

from libs.contracts.identity import Role, Subject
from libs.service.errors import install_error_handlers
from libs.service.idempotency import Idempotent
from libs.service.identity import require_subject

ONE, OTHER = uuid4(), uuid4()


class Thing(BaseModel):
    name: str


class Made(BaseModel):
    number: int


class Maker:
    """An app that makes things, and counts them."""

    def __init__(self, redis: Redis) -> None:
        self.made = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.fails = False
        self.lock_s = 60.0
        self.app = FastAPI()
        self.app.state.redis = redis
        self.app.add_api_route("/things", self._create, methods=["POST"])
        self.app.add_api_route("/others", self._create, methods=["POST"])
        self.user = ONE
        self.app.dependency_overrides[require_subject] = self._subject
        install_error_handlers(self.app)

    def _subject(self) -> Subject:
        return Subject(user_id=self.user, organization_id=UUID(int=1), session_id=uuid4(), role=Role.MEMBER)

    async def _create(self, body: Thing, once: Idempotent) -> Response:
        return await once.answer(body, self._make, status=201, lock_s=self.lock_s)

    async def _make(self) -> Made:
        self.made += 1
        await self.go_on.wait()
        if self.fails:
            raise RuntimeError("failed")
        return Made(number=self.made)


@pytest.fixture
def maker(redis: Redis) -> Maker:
    return Maker(redis)


@pytest.fixture
async def http(maker: Maker) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(maker.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://maker") as client:
        yield client


async def create(http: httpx.AsyncClient, key: str | None, name: str = "a", path: str = "/things") -> httpx.Response:
    return await http.post(path, json={"name": name}, headers={"Idempotency-Key": key} if key else {})


async def test_the_same_key_does_it_once(http, maker, redis):
    first, second = await create(http, "k"), await create(http, "k")
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (201, {"number": 1})
    assert second.headers["content-type"] == "application/json"
    [name] = await redis.keys("idempotency:*")
    assert str(ONE) in name.decode()
    assert 86_000 < await redis.ttl(name) <= 86_400


async def test_without_a_key_it_is_done_each_time(http, maker, redis):
    assert [(await create(http, None)).json()["number"] for _ in range(2)] == [1, 2]
    assert await redis.keys("*") == []


async def test_keys_are_told_apart_by_path_and_user(http, maker):
    await create(http, "k")
    await create(http, "k", path="/others")
    maker.user = OTHER
    await create(http, "k")
    assert maker.made == 3


async def test_another_body_is_a_mismatch(http, maker):
    await create(http, "k")
    response = await create(http, "k", "b")
    assert (response.status_code, response.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert maker.made == 1


async def test_of_many_at_once_one_acts(http, maker):
    maker.go_on.clear()
    tasks = [asyncio.create_task(create(http, "k")) for _ in range(10)]
    async with asyncio.timeout(30):
        while sum(task.done() for task in tasks) < 9:  # noqa: ASYNC110 - tasks of the test's own
            await asyncio.sleep(0)
    maker.go_on.set()
    statuses = sorted([response.status_code for response in await asyncio.gather(*tasks)])
    assert statuses == [201, *[409] * 9]
    assert maker.made == 1
    assert (await create(http, "k")).json() == {"number": 1}


async def test_a_failure_frees_the_key(http, maker):
    maker.fails = True
    assert (await create(http, "k")).status_code == 500
    maker.fails = False
    assert (await create(http, "k")).json() == {"number": 2}


async def test_a_crash_frees_the_key_when_its_lock_ends(http, maker, redis):
    maker.lock_s = 0.05
    maker.go_on.clear()
    crashed = asyncio.create_task(create(http, "k"))
    async with asyncio.timeout(30):
        while not maker.made or await redis.keys("*"):  # noqa: ASYNC110 - Redis tells of no end
            await asyncio.sleep(0.01)
    maker.go_on.set()
    maker.lock_s = 60
    assert (await create(http, "k")).json() == {"number": 2}
    # The first was only slow; it doesn't overwrite the answer of the one that took its place.
    await crashed
    assert (await create(http, "k")).json() == {"number": 2}


@pytest.mark.parametrize("key", ["x" * 256, "with space", ""])
async def test_a_bad_key_is_refused(http, maker, key):
    response = await http.post("/things", json={"name": "a"}, headers={"Idempotency-Key": key})
    assert (response.status_code, response.json()["code"]) == (422, "VALIDATION_ERROR")


async def test_without_redis_only_requests_with_a_key_are_refused(http, maker):
    maker.app.state.redis = Redis.from_url("redis://127.0.0.1:9")
    response = await create(http, "k")
    assert (response.status_code, response.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert maker.made == 0
    assert (await create(http, None)).status_code == 201
    await maker.app.state.redis.aclose()
