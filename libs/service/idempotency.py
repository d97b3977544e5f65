"""`Idempotency-Key`: the second request with a key gets the first one's answer, and does nothing.

A route that creates or charges takes an `Idempotent`:

    async def create(body: Thing, once: Idempotent) -> Response:
        return await once.answer(body, lambda: make(body), status=201)

and its service keeps its Redis client as `app.state.redis`.

Where Redis can't be asked, a request that carries a key is refused with 503 and may be tried again: whoever sends a key
says that doing it twice is worse than waiting. Requests without a key don't touch Redis. An answer that fails frees its
key. A process that is killed in between frees it when the lock ends; a later attempt then does the work anew.

The answer is kept for a day as it is: never use it for one that holds a secret.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, cast
from uuid import uuid4

import orjson
from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.service.identity import CurrentSubject
from libs.telemetry.logs import get_logger

log = get_logger(__name__)

KEPT_S = 24 * 3600
# Longer than any request takes that is answered at once; a route that takes longer says so.
LOCK_S = 60.0
CLAIM_ATTEMPTS = 3

# Both act only while the record is still the caller's: its lock may have ended, and another taken its place.
_KEEP = """
local record = redis.call('GET', KEYS[1])
if record and cjson.decode(record)['owner'] == ARGV[1] then
    return redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return false
"""
_FREE = """
local record = redis.call('GET', KEYS[1])
if record and cjson.decode(record)['owner'] == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
"""


class _Record(BaseModel):
    owner: str
    fingerprint: str
    value: str | None = None


@dataclass(frozen=True)
class Kept:
    """The first request's answer, as its route kept it."""

    value: str


class Claim:
    """The right to answer for a key, until it is kept or freed; without a key, both do nothing."""

    def __init__(self, redis: Redis | None, name: str, fingerprint: str) -> None:
        self._redis = redis
        self._name = name
        self._fingerprint = fingerprint
        self.owner = uuid4().hex

    async def keep(self, value: str) -> None:
        """What a later request with the same key gets, for a day."""
        record = _Record(owner=self.owner, fingerprint=self._fingerprint, value=value)
        await self._change(_KEEP, record.model_dump_json(), KEPT_S)

    async def free(self) -> None:
        """Nothing was done: a later request with the same key starts anew."""
        await self._change(_FREE)

    async def _change(self, script: str, *arguments: str | int) -> None:
        if self._redis is None:
            return
        try:
            await cast("Awaitable[object]", self._redis.eval(script, 1, self._name, self.owner, *map(str, arguments)))
        except RedisError as error:
            # The work is done; only a second request with the key has to wait for the lock's end.
            log.warning("an idempotency key keeps its lock", error=str(error))


class IdempotentRequest:
    """A request with its key, if it has one. `Idempotent` gives it to a route."""

    def __init__(self, redis: Redis, owner: str, path: str, key: str | None) -> None:
        self._redis = redis
        self._owner = owner
        self._path = path
        self._key = key

    async def claim(self, body: BaseModel, lock_s: float = LOCK_S) -> Claim | Kept:
        """The right to answer, or the answer that was kept; `lock_s` must outlast the work.

        Raises 409 IDEMPOTENCY_IN_FLIGHT while the first request is answered, 422 IDEMPOTENCY_MISMATCH for another body,
        503 where it can't be known.
        """
        if self._key is None:
            return Claim(None, "", "")
        name = f"idempotency:{self._owner}:{hashlib.sha256(f'{self._path} {self._key}'.encode()).hexdigest()}"
        fingerprint = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
        claim = Claim(self._redis, name, fingerprint)
        record = _Record(owner=claim.owner, fingerprint=fingerprint)
        try:
            for _ in range(CLAIM_ATTEMPTS):
                if await self._redis.set(name, record.model_dump_json(), nx=True, px=int(lock_s * 1000)):
                    return claim
                found = await self._redis.get(name)
                if found is not None:
                    return self._kept(_Record.model_validate_json(found), fingerprint)
        except RedisError as error:
            raise _unknown() from error
        raise _in_flight(self._key)

    def _kept(self, record: _Record, fingerprint: str) -> Kept:
        if record.fingerprint != fingerprint:
            raise FootnoteError(
                ErrorCode.IDEMPOTENCY_MISMATCH,
                f"The Idempotency-Key {self._key!r} was used with another body. Use a new key for a new request.",
                422,
            )
        if record.value is None:
            raise _in_flight(self._key)
        return Kept(record.value)

    async def answer(
        self, body: BaseModel, act: Callable[[], Awaitable[BaseModel]], *, status: int = 200, lock_s: float = LOCK_S
    ) -> Response:
        """`act`'s answer as JSON, or the one that it gave the first time."""
        claimed = await self.claim(body, lock_s)
        if isinstance(claimed, Kept):
            kept = orjson.loads(claimed.value)
            return Response(kept["body"], kept["status"], media_type="application/json")
        try:
            content = (await act()).model_dump_json()
        except BaseException:
            await claimed.free()
            raise
        await claimed.keep(orjson.dumps({"status": status, "body": content}).decode())
        return Response(content, status, media_type="application/json")


async def idempotent_request(
    request: Request,
    subject: CurrentSubject,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="A value of your own that makes it safe to send this request twice.",
        ),
    ] = None,
) -> IdempotentRequest:
    owner = f"{subject.organization_id}:{subject.user_id}"
    return IdempotentRequest(request.app.state.redis, owner, request.url.path, idempotency_key)


Idempotent = Annotated[IdempotentRequest, Depends(idempotent_request)]


def _in_flight(key: str | None) -> FootnoteError:
    return FootnoteError(
        ErrorCode.IDEMPOTENCY_IN_FLIGHT,
        f"The first request with the Idempotency-Key {key!r} is still being answered. Try again in 1 s.",
        409,
        headers={"Retry-After": "1"},
    )


def _unknown() -> FootnoteError:
    return FootnoteError(
        ErrorCode.UPSTREAM_UNAVAILABLE,
        "Whether this Idempotency-Key was used before can't be known right now. Try again in 1 s.",
        503,
        headers={"Retry-After": "1"},
    )
