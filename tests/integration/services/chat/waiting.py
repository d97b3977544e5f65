"""Waits for a condition that another task or process brings about."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")

# Of a message that was refused once, the outbox's relay tries again only after up to 30 s.
LONGEST_S = 60.0


async def until(check: Callable[[], Awaitable[Result]], longest_s: float = LONGEST_S) -> Result:
    """The first result that is true."""
    async with asyncio.timeout(longest_s):
        while not (result := await check()):  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)
    return result
