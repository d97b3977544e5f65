"""The moving-window limit per subject and class of route, kept in Redis so that every gateway counts together."""

import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string
from redis.exceptions import RedisError

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.telemetry.logs import get_logger
from services.gateway.routing import RouteClass

log = get_logger(__name__)

KEY_PREFIX = "rate"


@dataclass(frozen=True)
class Allowance:
    """What is left after a request that was let through; `reset_s` is seconds until the window has moved on."""

    limit: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
        }


class RateLimiter:
    """Counts in Redis; while Redis is away, this process counts by itself with the same limits, and says so."""

    def __init__(self, redis_url: str) -> None:
        self._shared = MovingWindowRateLimiter(_redis_storage(redis_url))
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared_works = True

    async def admit(self, who: str, route_class: RouteClass, per_minute: int) -> Allowance:
        """Counts one request. Raises 429 RATE_LIMITED with Retry-After when the minute's are used up."""
        try:
            allowance = await _hit(self._shared, who, route_class, per_minute)
        except (RedisError, OSError) as error:
            if self._shared_works:
                log.warning("rate limits are per process: Redis doesn't answer", error=str(error))
            self._shared_works = False
            return await _hit(self._own, who, route_class, per_minute)
        if not self._shared_works:
            log.info("rate limits are shared again")
        self._shared_works = True
        return allowance


async def _hit(limiter: MovingWindowRateLimiter, who: str, route_class: RouteClass, per_minute: int) -> Allowance:
    item = RateLimitItemPerMinute(per_minute)
    allowed = await limiter.hit(item, route_class, who)
    window = await limiter.get_window_stats(item, route_class, who)
    reset_s = max(1, round(window.reset_time - time.time()))
    if not allowed:
        raise FootnoteError(
            ErrorCode.RATE_LIMITED,
            f"More than {per_minute} requests a minute. Try again in {reset_s} s.",
            429,
            {"limit": per_minute, "retry_after_s": reset_s, "class": route_class},
            {"Retry-After": str(reset_s)},
        )
    return Allowance(per_minute, window.remaining, reset_s)


def _redis_storage(url: str) -> Storage:
    scheme, _, rest = url.partition("://")
    storage = storage_from_string(f"async+{_SCHEMES[scheme]}://{rest}", implementation="redispy", key_prefix=KEY_PREFIX)
    assert isinstance(storage, Storage)  # noqa: S101 - an async+ address gives an async storage
    return storage


_SCHEMES = {"unix": "redis+unix", "redis": "redis", "rediss": "rediss"}
