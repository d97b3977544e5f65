"""Connections to Redis or Valkey."""

import asyncio
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from libs.config.settings import Settings

TIMEOUT_S = 1.0
MAX_CONNECTIONS = 100
REWRITE_TIMEOUT_S = 60.0
REWRITE_POLL_S = 0.05


def connect_redis(settings: Settings) -> Redis:
    """A pooled client whose callers wait their turn for a connection; values come back as bytes.

    Every key is given a time to live or a bound by its user.
    """
    pool = BlockingConnectionPool.from_url(
        settings.redis_dsn(),
        max_connections=MAX_CONNECTIONS,
        timeout=TIMEOUT_S,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        health_check_interval=15,
    )
    return Redis.from_pool(pool)


async def ping_redis(redis: Redis) -> None:
    await redis.ping()


async def forget_history(redis: Redis) -> None:
    """Returns when the server's append-only file holds nothing but what is there now.

    Raises RedisError, and TimeoutError; asking again is safe.
    """
    await redis.bgrewriteaof()
    async with asyncio.timeout(REWRITE_TIMEOUT_S):
        while True:
            said: dict[str, Any] = await redis.info("persistence")
            if not said["aof_rewrite_in_progress"] and not said["aof_rewrite_scheduled"]:
                break
            await asyncio.sleep(REWRITE_POLL_S)
    if said["aof_last_bgrewrite_status"] != "ok":
        raise RedisError("Redis couldn't rewrite its append-only file. Is its disk full?")
