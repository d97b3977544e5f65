"""Packing exports: a ZIP file of originals with a manifest, streamed to the store piece by piece."""

import asyncio
import io
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import timedelta
from pathlib import PurePosixPath
from typing import IO
from uuid import UUID, uuid4

from sqlalchemy import and_, func, or_, select, update

from libs.contracts.errors import FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import Document, SearchFilters
from libs.contracts.lifecycle import ExportStatus
from libs.stores.blobs import BlobStore
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.aftermath import discard_unused, give_up_export
from services.knowledge.documents import Shower
from services.knowledge.exports import all_readable
from services.knowledge.models import ExportRow, RevisionRow
from services.knowledge.originals import original_of

PAGE = 100
PIECE_BYTES = 1_048_576
MAX_ATTEMPTS = 3
# A lease is renewed this many times before it would end.
RENEWALS = 3
MANIFEST = "manifest.json"
# File systems take names of up to 255 bytes, and some unpackers paths of up to 260 with the folder's.
NAME_BYTES = 180
SUFFIX_BYTES = 20


class _Pipe(io.RawIOBase):
    """What a ZIP writer has written since the last look; it can't go back in it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        piece = bytes(data)  # pyright: ignore[reportArgumentType] - any buffer
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


class Packer:
    """Killed at any point it leaves a lease that ends, and the next one packs anew."""

    def __init__(self, database: Database, blobs: BlobStore, shower: Shower, life: timedelta, lease: timedelta) -> None:
        self._database = database
        self._blobs = blobs
        self._shower = shower
        self._life = life
        self._lease = lease

    async def turn(self) -> bool:
        """Packs the export that has waited longest; false when none waits."""
        export = await self._claim()
        if export is None:
            return False
        try:
            await self._pack(export)
        except (FootnoteError, asyncio.CancelledError):
            # A store is away, or this process is being stopped. A full disk may be full of the export itself.
            with suppress(FootnoteError):
                await asyncio.shield(self._give_back(export))
            raise
        return True

    async def _pack(self, export: ExportRow) -> None:
        packing = _Packing(self._database, self._blobs, self._shower, export, self._lease)
        async with aclosing(packing.pieces()) as pieces:
            sha256, size = await self._blobs.put(export.organization_id, pieces, sys.maxsize)
        if not await self._finish(export, packing.document_ids, sha256, size):
            await discard_unused(self._database, self._blobs, export.organization_id, {sha256})

    async def expire(self) -> None:
        """Gives up the exports whose time is over."""
        failed = and_(ExportRow.status == ExportStatus.FAILED, ExportRow.created_at < func.now() - self._life)
        query = select(ExportRow).where(or_(ExportRow.expires_at < func.now(), failed)).limit(PAGE)
        async with self._database.transaction() as session:
            for export in await session.scalars(query.with_for_update(skip_locked=True)):
                await give_up_export(session, export)

    async def _claim(self) -> ExportRow | None:
        left = and_(ExportRow.status == ExportStatus.RUNNING, ExportRow.lease_until < func.now())
        waiting = select(ExportRow).where(or_(ExportRow.status == ExportStatus.PENDING, left))
        async with self._database.transaction() as session:
            export = await session.scalar(
                waiting.order_by(ExportRow.attempts, ExportRow.created_at).limit(1).with_for_update(skip_locked=True)
            )
            if export is None:
                return None
            export.attempts += 1
            if export.attempts > MAX_ATTEMPTS:
                export.status, export.lease = ExportStatus.FAILED, None
                return None
            export.status, export.lease = ExportStatus.RUNNING, uuid4()
            export.lease_until = func.now() + self._lease
        return export

    async def _give_back(self, export: ExportRow) -> None:
        """To be packed anew; this attempt doesn't count."""
        held = ExportRow.id == export.id, ExportRow.lease == export.lease
        values = {"status": ExportStatus.PENDING, "lease": None, "attempts": ExportRow.attempts - 1}
        async with self._database.transaction() as session:
            await session.execute(update(ExportRow).where(*held).values(values))

    async def _finish(self, export: ExportRow, document_ids: list[UUID], sha256: str, size: int) -> bool:
        """False where another has taken it over, or what was packed may not be read any more: it is packed anew."""
        async with self._database.transaction() as session:
            await repository.lock_organization(session, export.organization_id)
            held = ExportRow.id == export.id, ExportRow.lease == export.lease
            row = await session.scalar(select(ExportRow).where(*held).with_for_update())
            if row is None:
                return False
            if not await all_readable(session, Subject.model_validate(export.subject), document_ids):
                row.status, row.lease = ExportStatus.PENDING, None
                return False
            row.status, row.lease = ExportStatus.READY, None
            row.document_ids, row.sha256, row.size_bytes = document_ids, sha256, size
            row.expires_at = func.now() + self._life
        return True


class _Packing:
    """One export under way; `document_ids` are those packed so far."""

    def __init__(
        self, database: Database, blobs: BlobStore, shower: Shower, export: ExportRow, lease: timedelta
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._shower = shower
        self._export = export
        self._lease = lease
        self._renewed = time.monotonic()
        self._subject = Subject.model_validate(export.subject)
        self._filters = SearchFilters.model_validate(export.filters)
        self.document_ids: list[UUID] = []

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The ZIP file in pieces of bounded size, the manifest last."""
        pipe = _Pipe()
        with (
            tempfile.TemporaryFile() as manifest,
            zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        ):
            manifest.write(f'{{"export_id": "{self._export.id}", "documents": ['.encode())
            async for document, revision in self._documents():
                file = await self._opened(revision)
                path = _path_of(document, revision) if revision and file else None
                entry = document.model_dump(mode="json") | {
                    "path": path,
                    "sha256": revision.sha256 if revision and file else None,
                    "file_name": revision.file_name if revision else None,
                }
                manifest.write(b",\n" if self.document_ids else b"\n")
                manifest.write(json.dumps(entry, ensure_ascii=False).encode())
                self.document_ids.append(document.document_id)
                if path and file:
                    async for piece in self._packed(archive, pipe, path, file):
                        yield piece
            manifest.write(b"\n]}\n")
            manifest.seek(0)
            async for piece in self._packed(archive, pipe, MANIFEST, manifest):
                yield piece
        yield pipe.taken()

    async def _packed(self, archive: zipfile.ZipFile, pipe: _Pipe, path: str, file: IO[bytes]) -> AsyncGenerator[bytes]:
        with file, archive.open(path, "w", force_zip64=True) as entry:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                await asyncio.to_thread(entry.write, piece)
                await self._renew()
                yield pipe.taken()

    async def _documents(self) -> AsyncGenerator[tuple[Document, RevisionRow | None]]:
        after = UUID(int=0)
        while True:
            async with self._database.transaction() as session:
                rows = await repository.readable_documents(session, self._subject, self._filters, after, PAGE)
                shown = await self._shower.show(session, rows)
                originals = [original_of(row, await repository.revisions_of(session, row.id)) for row in rows]
            for document, original in zip(shown, originals, strict=True):
                yield document, original
            if len(rows) < PAGE:
                return
            after = rows[-1].id

    async def _opened(self, revision: RevisionRow | None) -> IO[bytes] | None:
        """None where no file is kept, or not any more: a document replaced since it was listed is packed without."""
        if revision is None:
            return None
        try:
            path = await self._blobs.local_path(revision.organization_id, revision.sha256)
            return await asyncio.to_thread(path.open, "rb")
        except FileNotFoundError:
            return None

    async def _renew(self) -> None:
        if time.monotonic() - self._renewed < self._lease.total_seconds() / RENEWALS:
            return
        self._renewed = time.monotonic()
        held = ExportRow.id == self._export.id, ExportRow.lease == self._export.lease
        async with self._database.transaction() as session:
            await session.execute(update(ExportRow).where(*held).values(lease_until=func.now() + self._lease))


def _path_of(document: Document, revision: RevisionRow) -> str:
    return f"documents/{document.document_id}/{unpackable(revision.file_name)}"


def unpackable(file_name: str) -> str:
    """A name that leads nowhere else when it is unpacked, and that every file system takes; it keeps its ending."""
    name = "".join(
        " " if character in '\\/:*?"<>|' or not character.isprintable() else character for character in file_name
    ).strip(" .")
    if len(name.encode()) > NAME_BYTES:
        suffix = PurePosixPath(name).suffix
        suffix = suffix if len(suffix.encode()) <= SUFFIX_BYTES else ""
        stem = name.encode()[: NAME_BYTES - len(suffix.encode())].decode(errors="ignore")
        name = stem.rstrip(" .") + suffix
    return name or "untitled"
