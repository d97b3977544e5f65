"""Answers to searches, kept for a while: for one version of the organisation's knowledge and one set of readers."""

import hashlib
from collections.abc import Awaitable
from typing import Any, cast
from uuid import UUID

from pydantic import TypeAdapter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.config.settings import Retrieval
from libs.contracts.identity import Subject
from libs.stores.redis import forget_history
from libs.telemetry.logs import get_logger
from services.knowledge.access import readers_of
from services.knowledge.found import Found, Wanted

log = get_logger(__name__)

LARGEST_BYTES = 500_000
# A search that began before a change is over by then.
LATE_S = 60
VERSION = "version"
# What it was for older versions goes, and what comes late for one of them isn't taken.
_MOVE_ON = """
local kept = tonumber(redis.call('HGET', KEYS[1], 'version') or -1)
local version = tonumber(ARGV[1])
if kept < version then
    redis.call('UNLINK', KEYS[1])
    redis.call('HSET', KEYS[1], 'version', ARGV[1])
    redis.call('EXPIRE', KEYS[1], ARGV[2])
end
if kept <= version and ARGV[3] then
    redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
end
"""

_FOUND = TypeAdapter(Found)
_WANTED = TypeAdapter(Wanted)


class SearchCache:
    """One hash of an organisation's answers, all of one version: every change that a reader could notice moves it on.

    So that no entry outlives a version, and none is left of what was purged. Without Redis every search is a miss.
    `embedded`: the server's files are this installation's, not another operator's.
    """

    def __init__(self, redis: Redis, settings: Retrieval, *, embedded: bool = False) -> None:
        self._redis = redis
        self._embedded = embedded
        self._seconds = settings.cache_s
        self._settings = settings.model_dump_json().encode()

    async def get(self, subject: Subject, wanted: Wanted, knowledge_version: int) -> Found | None:
        if not self._seconds:
            return None
        fields = [VERSION, self._field(subject, wanted)]
        try:
            reading = cast("Awaitable[list[Any]]", self._redis.hmget(_key(subject.organization_id), fields))
            version, kept = await reading
        except RedisError as error:
            log.warning("search cache not read", error=str(error))
            return None
        current = version is not None and int(version) == knowledge_version
        return _FOUND.validate_json(kept) if kept and current else None

    async def put(self, subject: Subject, wanted: Wanted, found: Found) -> None:
        """Only for what was found at exactly `found.knowledge_version`, whole and not degraded."""
        kept = _FOUND.dump_json(found)
        if not self._seconds or len(kept) > LARGEST_BYTES:
            return
        field = self._field(subject, wanted)
        try:
            await self._move_on(subject.organization_id, found.knowledge_version, self._seconds, field, kept)
        except RedisError as error:
            log.warning("search cache not written", error=str(error))

    async def forget(self, organization_id: UUID, knowledge_version: int) -> None:
        """Nothing of an older version is left when this returns, and nothing comes after. Raises RedisError."""
        await self._move_on(organization_id, knowledge_version, max(self._seconds, LATE_S))

    async def forget_history(self) -> None:
        """What was forgotten is in no file of the embedded server either. Raises RedisError and TimeoutError."""
        if self._embedded:
            await forget_history(self._redis)

    async def _move_on(self, organization_id: UUID, version: int, seconds: int, *entry: str | bytes) -> None:
        arguments: list[Any] = [str(version), str(seconds), *entry]
        await self._redis.eval(_MOVE_ON, 1, _key(organization_id), *arguments)

    def _field(self, subject: Subject, wanted: Wanted) -> str:
        asked = hashlib.sha256(self._settings)
        for part in (*readers_of(subject), _WANTED.dump_json(wanted).decode()):
            asked.update(part.encode() + b"\x00")
        return asked.hexdigest()


def _key(organization_id: UUID) -> str:
    return f"search:{organization_id}"
