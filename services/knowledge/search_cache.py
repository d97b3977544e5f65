"""Answers to searches, kept for a while: for one version of the organisation's knowledge and one set of readers."""

import hashlib

from pydantic import TypeAdapter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.config.settings import Retrieval
from libs.contracts.identity import Subject
from libs.telemetry.logs import get_logger
from services.knowledge.access import readers_of
from services.knowledge.found import Found, Wanted

log = get_logger(__name__)

LARGEST_BYTES = 500_000

_FOUND = TypeAdapter(Found)
_WANTED = TypeAdapter(Wanted)


class SearchCache:
    """Every change that a reader could notice moves the version on, so that no entry outlives one.

    Without Redis every search is a miss.
    """

    def __init__(self, redis: Redis, settings: Retrieval) -> None:
        self._redis = redis
        self._seconds = settings.cache_s
        self._settings = settings.model_dump_json().encode()

    async def get(self, subject: Subject, wanted: Wanted, knowledge_version: int) -> Found | None:
        if not self._seconds:
            return None
        try:
            kept = await self._redis.get(self._key(subject, wanted, knowledge_version))
        except RedisError as error:
            log.warning("search cache not read", error=str(error))
            return None
        return _FOUND.validate_json(kept) if kept else None

    async def put(self, subject: Subject, wanted: Wanted, found: Found) -> None:
        """Only for what was found at exactly `found.knowledge_version`, whole and not degraded."""
        kept = _FOUND.dump_json(found)
        if not self._seconds or len(kept) > LARGEST_BYTES:
            return
        try:
            await self._redis.set(self._key(subject, wanted, found.knowledge_version), kept, ex=self._seconds)
        except RedisError as error:
            log.warning("search cache not written", error=str(error))

    def _key(self, subject: Subject, wanted: Wanted, knowledge_version: int) -> str:
        asked = hashlib.sha256(self._settings)
        for part in (*readers_of(subject), _WANTED.dump_json(wanted).decode()):
            asked.update(part.encode() + b"\x00")
        return f"search:{subject.organization_id}:{knowledge_version}:{asked.hexdigest()}"
