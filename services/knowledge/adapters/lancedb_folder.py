"""The folder of the passage tables, told from another that lies in its place, as the empty one under a volume.

From an empty folder every search would find nothing, as if there were no documents, and what is written there would be
out of sight once the volume is back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

from libs.contracts.errors import ErrorCode, FootnoteError

SUFFIX, LOCK_SUFFIX = ".lance", ".lock"
MARK = ".footnote-index"
MARK_TEXT = "Footnote keeps its search index in this folder. Without this file and any table it takes it for away.\n"
RETRY_AFTER_S = 10

# Whether passages are served, which an index in use must hold.
InUse = Callable[[], Awaitable[bool]]


class IndexAwayError(FootnoteError):
    """The index can't be got at, which says nothing about what is in it."""

    def __init__(self) -> None:
        message = f"The search index is away. Try again in {RETRY_AFTER_S} s."
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        super().__init__(ErrorCode.UPSTREAM_UNAVAILABLE, message, 503, {"service": "index"}, headers)


class IndexFolder:
    """Marked at its first use. A folder without the mark and any table is none while passages are served."""

    def __init__(self, path: Path, in_use: InUse | None = None) -> None:
        self.path = path
        self._in_use = in_use

    def table(self, organization_id: UUID, number: int, suffix: str = SUFFIX) -> Path:
        return self.path / f"{table_name(organization_id, number)}{suffix}"

    async def holds(self, organization_id: UUID, number: int) -> bool:
        """Whether there is such a table. Raises IndexAwayError."""
        table = self.table(organization_id, number)
        if table.exists():
            return True
        await self.require()
        return table.exists()  # asked again: the folder may have come back in between

    async def numbers(self, organization_id: UUID) -> set[int]:
        """Of the organisation's tables. Raises IndexAwayError."""
        await self.require()
        first = table_name(organization_id, 0)
        paths = await asyncio.to_thread(lambda: [*self.path.glob(f"{first}*{SUFFIX}")])
        return {int(path.name.removeprefix(first).removesuffix(SUFFIX).strip("_") or 0) for path in paths}

    async def require(self) -> None:
        """Raises IndexAwayError where the folder isn't the index's. One from before there were marks gets its mark."""
        if (self.path / MARK).exists():
            return
        if self._in_use and not await asyncio.to_thread(self._has_tables) and await self._in_use():
            raise IndexAwayError
        await asyncio.to_thread(self._begin)

    async def check(self) -> None:
        try:
            await self.require()
        except IndexAwayError as error:
            raise FileNotFoundError(
                f"{str(self.path)!r} holds neither {MARK!r} nor any table, though documents are indexed. "
                "Mount the search index there."
            ) from error

    def _has_tables(self) -> bool:
        return any(self.path.glob(f"*{SUFFIX}"))

    def _begin(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / MARK).write_text(MARK_TEXT)


def table_name(organization_id: UUID, number: int) -> str:
    return f"org_{organization_id.hex}" + (f"_{number}" if number else "")
