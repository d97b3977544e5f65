"""The bytes of uploads that arrive in parts: one growing file each, whose size is how far it has come."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

from libs.contracts.errors import ErrorCode, FootnoteError

SUFFIX = ".part"


class Part:
    """One upload's file, held by this request alone."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    async def append(self, content: AsyncIterator[bytes], length: int) -> int:
        """Adds what comes, up to `length` in all; what has come stays when the connection breaks. Returns the size.

        Raises 413 where more comes.
        """
        size = self.size()
        try:
            async for piece in content:
                size += len(piece)
                if size > length:
                    raise FootnoteError(
                        ErrorCode.PAYLOAD_TOO_LARGE, f"More arrived than the {length:,} bytes that were announced.", 413
                    )
                await asyncio.to_thread(_write_all, self._descriptor, piece)
        finally:
            await asyncio.shield(asyncio.to_thread(os.fsync, self._descriptor))
        return size


class Parts:
    """`root/<organisation>/<upload>.part`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def size(self, organization_id: UUID, upload_id: UUID) -> int:
        try:
            return self._path(organization_id, upload_id).stat().st_size
        except FileNotFoundError:
            return 0

    @asynccontextmanager
    async def held(self, organization_id: UUID, upload_id: UUID) -> AsyncGenerator[Part]:
        """The upload's file; the system lets go of it when this process dies. Raises 423 while another holds it."""
        path = self._path(organization_id, upload_id)
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        descriptor = await asyncio.to_thread(os.open, path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FootnoteError(
                    ErrorCode.CONFLICT,
                    "Another request is sending this upload. Try again in 1 s.",
                    423,
                    headers={"Retry-After": "1"},
                ) from error
            yield Part(path, descriptor)
        finally:
            os.close(descriptor)

    def delete(self, organization_id: UUID, upload_id: UUID) -> None:
        self._path(organization_id, upload_id).unlink(missing_ok=True)

    def all(self) -> Iterable[tuple[UUID, UUID]]:
        """(organisation, upload) of each file."""
        for path in self._root.glob(f"*/*{SUFFIX}"):
            with suppress(ValueError):
                yield UUID(path.parent.name), UUID(path.stem)

    def _path(self, organization_id: UUID, upload_id: UUID) -> Path:
        return self._root / str(organization_id) / f"{upload_id}{SUFFIX}"


def _write_all(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
