"""The search cache: one version at a time, and nothing of what was forgotten comes back."""

from uuid import uuid4

from redis.asyncio import Redis

from libs.config.settings import Settings
from libs.contracts.identity import Role, Subject
from services.knowledge.found import Found, Wanted
from services.knowledge.search_cache import SearchCache
from tests.integration.services.knowledge.traces import kept_in_redis

ALICE = Subject(user_id=uuid4(), organization_id=uuid4(), session_id=uuid4(), role=Role.MEMBER)
BOB = Subject(user_id=uuid4(), organization_id=uuid4(), session_id=uuid4(), role=Role.MEMBER)
WANTED = Wanted("tide", "lexical", 5)


def found(version: int, words: str) -> Found:
    return Found([], "lexical", [], version, [{"words": words}])


async def test_a_newer_version_drops_what_was_kept_for_older_ones(redis: Redis, settings: Settings) -> None:
    cache = SearchCache(redis, settings.retrieval)
    await cache.put(ALICE, WANTED, found(1, "heron"))
    await cache.put(BOB, WANTED, found(1, "otter"))
    assert (await cache.get(ALICE, WANTED, 1)) == found(1, "heron")
    assert await cache.get(ALICE, WANTED, 2) is None
    await cache.put(ALICE, WANTED, found(2, "egret"))
    assert await kept_in_redis(redis, b"heron") == []
    assert (await cache.get(ALICE, WANTED, 2)) == found(2, "egret")
    assert await cache.get(ALICE, WANTED, 1) is None
    assert (await cache.get(BOB, WANTED, 1)) == found(1, "otter")


async def test_a_late_answer_does_not_bring_back_what_was_forgotten(redis: Redis, settings: Settings) -> None:
    cache = SearchCache(redis, settings.retrieval)
    await cache.put(ALICE, WANTED, found(1, "heron"))
    await cache.forget(ALICE.organization_id, 2)
    assert await kept_in_redis(redis, b"heron") == []
    await cache.put(ALICE, WANTED, found(1, "heron"))
    assert await kept_in_redis(redis, b"heron") == []
    await cache.put(ALICE, WANTED, found(2, "egret"))
    await cache.forget(ALICE.organization_id, 2)
    assert (await cache.get(ALICE, WANTED, 2)) == found(2, "egret")


async def test_every_key_ends_by_itself(redis: Redis, settings: Settings) -> None:
    cache = SearchCache(redis, settings.retrieval)
    await cache.forget(ALICE.organization_id, 1)
    await cache.put(BOB, WANTED, found(1, "otter"))
    # Other services in this process have keys of their own.
    lives = [await redis.ttl(key) async for key in redis.scan_iter("search:*")]
    assert len(lives) == 2
    assert all(0 < life <= settings.retrieval.cache_s for life in lives)
