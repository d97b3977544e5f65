"""Connections to Redis or Valkey."""

from redis.asyncio import Redis

from libs.config.settings import Settings

TIMEOUT_S = 1.0


def connect_redis(settings: Settings) -> Redis:
    """A pooled client; values come back as bytes. Every key is given a time to live or a bound by its user."""
    return Redis.from_url(
        settings.redis_dsn(), socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, health_check_interval=15
    )


async def ping_redis(redis: Redis) -> None:
    await redis.ping()
