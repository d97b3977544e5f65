"""Vectors that all processes of the embedding service share, in Redis."""

import asyncio
import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.telemetry.logs import get_logger

log = get_logger(__name__)

# Making a short text's vector takes a few milliseconds: a slower answer than this isn't worth waiting for.
ANSWER_WITHIN_S = 0.05
# After a failure nothing is asked for so long.
SKIP_S = 5.0
# Writes under way; more are left out.
MAX_WRITES = 64


class RedisVectors:
    """Never raises: without Redis every vector is one that isn't there. Keys are `embedding:` and a hash, and end."""

    def __init__(self, redis: Redis, life_s: int) -> None:
        self._redis = redis
        self._life_s = life_s
        self._skip_until = 0.0
        self._writes: set[asyncio.Task[None]] = set()

    async def get(self, keys: Sequence[bytes], dimension: int) -> dict[bytes, NDArray[np.float32]]:
        """The vectors that are there, `(dimension,)` each."""
        if not keys or time.monotonic() < self._skip_until:
            return {}
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                entries = await self._redis.mget([_name(key) for key in keys])
        except (RedisError, OSError, TimeoutError) as error:
            self._skip(error)
            return {}
        read = {key: _vector(entry, dimension) for key, entry in zip(keys, entries, strict=True)}
        return {key: row for key, row in read.items() if row is not None}

    def put(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """In the background."""
        if not vectors or len(self._writes) >= MAX_WRITES or time.monotonic() < self._skip_until:
            return
        writing = asyncio.create_task(self._write(vectors))
        self._writes.add(writing)
        writing.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        await asyncio.gather(*self._writes)
        await self._redis.aclose()

    async def _write(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key, row in vectors.items():
                    pipeline.set(_name(key), row.astype("<f4").tobytes(), ex=self._life_s)
                await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._skip(error)

    def _skip(self, error: Exception) -> None:
        known = time.monotonic() < self._skip_until
        self._skip_until = time.monotonic() + SKIP_S
        if known:  # by the first of the calls that were under way
            return
        log.warning("vectors aren't shared for now", seconds=SKIP_S, reason=f"{type(error).__name__}: {error}")


def _name(key: bytes) -> str:
    return f"embedding:{key.hex()}"


def _vector(entry: bytes | str | None, dimension: int) -> NDArray[np.float32] | None:
    """None for what isn't there or is no such vector."""
    if not isinstance(entry, bytes) or len(entry) != 4 * dimension:
        return None
    row = np.frombuffer(entry, "<f4")
    return row if np.isfinite(row).all() else None
