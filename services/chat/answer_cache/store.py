"""Kept answers in Redis: those of one version of an organisation's knowledge, bounded in number and in time.

`response:{ORG}:answers` is a hash of answers, with the version that they are for. `response:{ORG}:order` tells which
came first, `response:{ORG}:near` lists the questions with their vectors, and `response:{ORG}:counts` counts. The braces
keep an organisation's keys on one node of a cluster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

from redis.asyncio import Redis

from libs.contracts.answering import AnswerCacheReport

COUNTS_KEPT_S = 90 * 24 * 3600
_SCRIPT_KEYS = 3

# What is there for an older version goes with the first question that comes after the change.
_LOOK_UP = """
local version = redis.call('HGET', KEYS[1], 'version')
if not version then return {} end
if version ~= ARGV[1] then
    if tonumber(version) < tonumber(ARGV[1]) then redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3]) end
    return {}
end
local kept = redis.call('HGET', KEYS[1], ARGV[2])
local epoch = redis.call('HGET', KEYS[1], 'epoch')
local first = tonumber(redis.call('HGET', KEYS[1], 'first'))
local from = 0
if epoch == ARGV[3] then from = math.max(0, tonumber(ARGV[4]) - first) end
local near = {}
if not kept then near = redis.call('LRANGE', KEYS[3], from, -1) end
return {kept, epoch, first, first + from, near}
"""

_PUT = """
local there = tonumber(redis.call('HGET', KEYS[1], 'version') or -1)
local version = tonumber(ARGV[1])
if there > version then return 0 end
if there < version then
    redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
    redis.call('HSET', KEYS[1], 'version', ARGV[1], 'epoch', ARGV[7], 'first', 0)
end
local new = redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
local now = redis.call('TIME')
redis.call('ZADD', KEYS[2], now[1] * 1000000 + now[2], ARGV[4])
if new == 1 and ARGV[6] ~= '' then redis.call('RPUSH', KEYS[3], ARGV[6]) end
local most = tonumber(ARGV[3])
while redis.call('ZCARD', KEYS[2]) > most do
    redis.call('HDEL', KEYS[1], redis.call('ZPOPMIN', KEYS[2])[1])
end
while redis.call('LLEN', KEYS[3]) > most do
    redis.call('LPOP', KEYS[3])
    redis.call('HINCRBY', KEYS[1], 'first', 1)
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[2]) end
return 1
"""


@dataclass(frozen=True)
class LookedUp:
    """`kept` is the answer as it was stored. `near` are the questions from `start` on, of the list called `epoch`.

    `first` is the number of the oldest that the list still has.
    """

    kept: bytes | None
    epoch: str
    first: int
    start: int
    near: Sequence[bytes]


class AnswerStore:
    """Every method raises RedisError."""

    def __init__(self, redis: Redis, seconds: int, entries: int) -> None:
        self._redis = redis
        self._seconds = seconds
        self._entries = entries

    async def look_up(self, organization_id: UUID, version: int, field: str, epoch: str, known: int) -> LookedUp | None:
        """None where nothing is kept for that version. `known` questions of the list called `epoch` aren't sent."""
        found: list[Any] = await self._run(_LOOK_UP, organization_id, str(version), field, epoch, str(known))
        if not found:
            return None
        kept, epoch_bytes, first, start, near = found
        return LookedUp(kept, bytes(epoch_bytes or b"").decode(), int(first), int(start), near)

    async def put(self, organization_id: UUID, version: int, field: str, value: bytes, near: bytes) -> None:
        """Nothing where answers for a newer version are kept. Without `near` only the same question finds it."""
        epoch = uuid4().hex
        await self._run(
            _PUT, organization_id, str(version), str(self._seconds), str(self._entries), field, value, near, epoch
        )

    async def count(self, organization_id: UUID, what: str, saved_tokens: int = 0) -> None:
        key = _key(organization_id, "counts")
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hincrby(key, what, 1)
            if saved_tokens:
                pipeline.hincrby(key, "saved_tokens", saved_tokens)
            pipeline.expire(key, COUNTS_KEPT_S)
            await pipeline.execute()

    async def report(self, organization_id: UUID) -> AnswerCacheReport:
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hgetall(_key(organization_id, "counts"))
            pipeline.zcard(_key(organization_id, "order"))
            pipeline.memory_usage(_key(organization_id, "answers"), samples=0)
            pipeline.memory_usage(_key(organization_id, "near"), samples=0)
            counts, entries, *sizes = await pipeline.execute()
        told = {name.decode(): int(value) for name, value in counts.items()}
        return AnswerCacheReport(
            exact_hits=told.get("exact", 0),
            semantic_hits=told.get("semantic", 0),
            misses=told.get("miss", 0),
            saved_tokens=told.get("saved_tokens", 0),
            entries=entries,
            size_bytes=sum(size or 0 for size in sizes),
        )

    async def empty(self, organization_id: UUID) -> None:
        await self._redis.unlink(*_keys(organization_id))

    async def _run(self, script: str, organization_id: UUID, *arguments: str | bytes) -> Any:
        keys = _keys(organization_id)
        return await self._redis.eval(script, _SCRIPT_KEYS, *keys, *cast("Any", arguments))


def _keys(organization_id: UUID) -> tuple[str, str, str]:
    return _key(organization_id, "answers"), _key(organization_id, "order"), _key(organization_id, "near")


def _key(organization_id: UUID, what: str) -> str:
    return f"response:{{{organization_id}}}:{what}"
