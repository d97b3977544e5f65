"""What has been kept for its time goes, a batch to a transaction."""

from collections.abc import Awaitable, Callable

# Of one turn: what is left then waits for the next, and whoever writes isn't kept waiting.
MOST_BATCHES = 100


async def purged_in_batches(purge: Callable[[], Awaitable[int]]) -> int:
    """Purges batch after batch until one is empty, at most `MOST_BATCHES`; returns how many rows went."""
    total = 0
    for _ in range(MOST_BATCHES):
        purged = await purge()
        total += purged
        if not purged:
            break
    return total
