"""One holder of a lock file among all processes; the system frees it when its holder dies."""

import asyncio
import fcntl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

POLL_S = 0.01


@asynccontextmanager
async def locked(path: Path) -> AsyncGenerator[None]:
    """Waits until nobody else holds it."""
    with path.open("w") as file:
        while not _taken(file):  # noqa: ASYNC110 - another process frees it
            await asyncio.sleep(POLL_S)
        yield


def _taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
