"""How often a password may be guessed."""

import hashlib
import math

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.contracts.errors import ErrorCode, FootnoteError, unavailable
from libs.telemetry.logs import get_logger

log = get_logger(__name__)

FREE_ATTEMPTS = 10
FIRST_WAIT_S = 5
LONGEST_WAIT_S = 300
REMEMBERED_S = 3600

# KEYS: count, lock. ARGV: free attempts, first and longest wait in s, life of the count in s. Returns ms to wait, or 0.
ATTEMPT = """
local wait = redis.call('PTTL', KEYS[2])
if wait > 0 then return wait end
local attempts = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
local beyond = attempts - tonumber(ARGV[1])
if beyond >= 0 then
    local seconds = math.min(tonumber(ARGV[3]), tonumber(ARGV[2]) * 2 ^ math.min(beyond, 30))
    redis.call('SET', KEYS[2], '1', 'PX', math.floor(seconds * 1000))
end
return 0
"""


class LoginAttempts:
    """Counts sign-ins per e-mail address, whether or not it is anyone's, so that a lock tells nothing about that.

    An attempt counts as failed from its start until it has succeeded, so that many at once guess no more often than one
    after the other: 10 attempts are free, then each is followed by a lock of 5, 10, 20 … 300 s.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._attempt = redis.register_script(ATTEMPT)

    async def begin(self, email: str) -> None:
        """Counts one attempt. Raises 429 RATE_LIMITED while the address is locked, 503 where nothing can be counted."""
        try:
            arguments = [FREE_ATTEMPTS, FIRST_WAIT_S, LONGEST_WAIT_S, REMEMBERED_S]
            wait_ms = int(await self._attempt(keys=_keys(email), args=arguments))
        except (RedisError, OSError) as error:
            # Guessing without a limit is worse than not signing in for a while; open sessions go on.
            log.warning("login attempts can't be counted", error=str(error))
            raise unavailable("auth") from error
        if wait_ms:
            wait_s = math.ceil(wait_ms / 1000)
            raise FootnoteError(
                ErrorCode.RATE_LIMITED,
                f"Too many sign-ins have failed for this e-mail address. Try again in {wait_s} s.",
                429,
                {"retry_after_s": wait_s},
                {"Retry-After": str(wait_s)},
            )

    async def succeeded(self, email: str) -> None:
        """Forgets the address's failures. A count that can't be cleared just runs out."""
        try:
            await self._redis.delete(*_keys(email))
        except (RedisError, OSError) as error:
            log.warning("login attempts can't be cleared", error=str(error))


def _keys(email: str) -> list[str]:
    # A hash, so that addresses aren't readable in Redis; the braces keep both keys on one node of a cluster.
    digest = hashlib.sha256(email.encode()).hexdigest()
    return [f"rate:login:{{{digest}}}", f"lock:login:{{{digest}}}"]
