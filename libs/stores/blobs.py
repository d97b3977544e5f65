"""Original files: a port, and the folder that serves one machine."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Protocol
from uuid import UUID, uuid4

from libs.contracts.errors import ErrorCode, FootnoteError

PART_SUFFIX = ".part"
# Less is written in one go, with the file's opening and closing: a thread's turn costs as much as a short file.
WRITTEN_AT_ONCE = 1024 * 1024
HASH_CHARS = hashlib.sha256().digest_size * 2
# Lies in a folder that is a store: where it's missing, something else lies there, as the empty folder under a volume.
MARK = ".footnote-store"
MARK_TEXT = "Footnote keeps original files in this folder. Without this file it takes them for away.\n"
RETRY_AFTER_S = 10

# Some (organisation, SHA-256) that a store in use must hold; none where nothing was ever kept.
Named = Callable[[], Awaitable[Sequence[tuple[UUID, str]]]]


class BlobTooLargeError(Exception):
    """More bytes came than were allowed; nothing was kept."""


class StoreAwayError(FootnoteError):
    """The store can't be got at, which says nothing about what is in it."""

    def __init__(self) -> None:
        message = f"The store of original files is away. Try again in {RETRY_AFTER_S} s."
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        super().__init__(ErrorCode.UPSTREAM_UNAVAILABLE, message, 503, {"service": "blobs"}, headers)


class BlobStore(Protocol):
    """Bytes by organisation and SHA-256: identical content of one organisation is kept once, never across two.

    Each of its methods raises StoreAwayError where the store as a whole isn't there.
    """

    async def check(self) -> None:
        """Raises an error that tells the operator what is wrong where the store isn't there."""
        ...

    async def put(self, organization_id: UUID, content: AsyncIterator[bytes], max_bytes: int) -> tuple[str, int]:
        """Stores the content whole or not at all; returns (sha256 hex, size). Raises BlobTooLargeError."""
        ...

    async def local_path(self, organization_id: UUID, sha256: str) -> Path:
        """A readable file with the content. Raises FileNotFoundError."""
        ...

    async def delete(self, organization_id: UUID, sha256: str) -> None:
        """Removes the content; absent is fine."""
        ...

    def stored_before(self, age: timedelta) -> AsyncIterator[tuple[UUID, list[str]]]:
        """(organisation, some SHA-256) of all contents that were last stored at least `age` ago."""
        ...

    async def discard_unfinished(self, age: timedelta) -> int:
        """Removes what was half written when its writer died at least `age` ago; returns how many there were."""
        ...


class FolderBlobStore:
    """`root/<organisation>/<first two of the hash>/<hash>`.

    Marked at its first use. A folder without the mark that holds none of the contents that are `named` is no store.
    """

    def __init__(self, root: Path, named: Named | None = None) -> None:
        self._root = root
        self._named = named
        self._mark = root / MARK
        self._checking: asyncio.Task[None] | None = None

    async def check(self) -> None:
        # A folder that hangs, as a network's may, keeps a thread for each time that it is asked.
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        await asyncio.shield(self._checking)

    async def _check(self) -> None:
        try:
            await self._require()
        except StoreAwayError as error:
            if error.__cause__:
                raise error.__cause__ from None
            raise FileNotFoundError(
                f"{str(self._root)!r} holds neither {MARK!r} nor files that were stored. Mount the store there."
            ) from error

    async def put(self, organization_id: UUID, content: AsyncIterator[bytes], max_bytes: int) -> tuple[str, int]:
        folder = self._root / str(organization_id)
        part = _Part(folder / f".{uuid4()}{PART_SUFFIX}")
        digest = hashlib.sha256()
        size = 0
        await self._require()
        try:
            async for piece in content:
                size += len(piece)
                if size > max_bytes:
                    raise BlobTooLargeError
                digest.update(piece)
                if part.takes(piece) >= WRITTEN_AT_ONCE:
                    await asyncio.to_thread(part.write)
            sha256 = digest.hexdigest()
            await asyncio.to_thread(part.become, self._path(organization_id, sha256))
        finally:
            part.discard()
        return sha256, size

    async def local_path(self, organization_id: UUID, sha256: str) -> Path:
        path = self._path(organization_id, sha256)
        if not await _exists(path):
            await self._require()
            if not await _exists(path):  # asked again: the store may have come back in between
                raise FileNotFoundError(f"The original file {sha256!r} isn't in the blob store.")
        return path

    async def delete(self, organization_id: UUID, sha256: str) -> None:
        path = self._path(organization_id, sha256)
        try:
            await asyncio.to_thread(path.unlink)
        except FileNotFoundError:
            await self._require()
            await asyncio.to_thread(path.unlink, missing_ok=True)  # as above

    async def stored_before(self, age: timedelta) -> AsyncIterator[tuple[UUID, list[str]]]:
        await self._require()
        for shelf in await asyncio.to_thread(lambda: sorted(self._root.glob("*/??/"))):
            if old := await asyncio.to_thread(_before, shelf.glob("?" * HASH_CHARS), age):
                yield UUID(shelf.parent.name), [path.name for path in old]

    async def discard_unfinished(self, age: timedelta) -> int:
        def discard() -> int:
            old = _before(self._root.glob(f"*/.*{PART_SUFFIX}"), age)
            for part in old:
                part.unlink(missing_ok=True)
            return len(old)

        await self._require()
        return await asyncio.to_thread(discard)

    async def _require(self) -> None:
        """Raises StoreAwayError where the folder isn't the store. One from before there were marks gets its mark."""
        if await _exists(self._mark):
            return
        paths = [self._path(*content) for content in (await self._named() if self._named else ())]
        if paths and not any([await _exists(path) for path in paths]):
            raise StoreAwayError
        await asyncio.to_thread(self._begin)

    def _begin(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        self._mark.write_text(MARK_TEXT)

    def _path(self, organization_id: UUID, sha256: str) -> Path:
        if len(sha256) != HASH_CHARS or not sha256.isalnum():
            raise ValueError(f"{sha256!r} isn't a SHA-256 in hex.")
        return self._root / str(organization_id) / sha256[:2] / sha256


class _Part:
    """A file on its way. One file from its first byte to its last: what is removed meanwhile never becomes whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0

    def takes(self, piece: bytes) -> int:
        """Returns how many bytes wait to be written."""
        self._pieces.append(piece)
        self._waiting_bytes += len(piece)
        return self._waiting_bytes

    def write(self) -> IO[bytes]:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb")
        self._file.writelines(self._pieces)
        self._pieces, self._waiting_bytes = [], 0
        return self._file

    def become(self, target: Path) -> None:
        """What waits is written, and all of it lies at `target`, for good."""
        file = self.write()
        _sync(file)
        file.close()
        _move(self._path, target)

    def discard(self) -> None:
        """Nothing, where it has become another."""
        if self._file:
            self._file.close()
        self._path.unlink(missing_ok=True)


async def _exists(path: Path) -> bool:
    """Raises StoreAwayError where the system can't say, as of a network's folder whose server is gone."""
    try:
        return await asyncio.to_thread(path.exists)
    except OSError as error:
        raise StoreAwayError from error


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _move(part: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    part.replace(target)


def _before(files: Iterable[Path], age: timedelta) -> list[Path]:
    """Those that were last written at least `age` ago; whoever writes one goes on touching it."""
    latest = time.time() - age.total_seconds()
    old: list[Path] = []
    for path in files:
        with suppress(FileNotFoundError):
            if path.stat().st_mtime <= latest:
                old.append(path)
    return old
