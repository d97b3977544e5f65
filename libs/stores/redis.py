"""Connections to Redis or Valkey."""

from redis.asyncio import BlockingConnectionPool, Redis

from libs.config.settings import Settings

TIMEOUT_S = 1.0
MAX_CONNECTIONS = 100


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
