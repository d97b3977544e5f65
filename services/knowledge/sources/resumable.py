"""Uploads that can be resumed: announced, sent in parts, and a document once the last byte has come."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import Subject
from libs.contracts.knowledge import DocumentAttributes
from libs.contracts.sources import PartialUpload
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.access import require_own_groups
from services.knowledge.parsing.media_types import ACCEPTED, HEAD_BYTES, detect_type
from services.knowledge.sources.models import PartialUploadRow
from services.knowledge.sources.parts import Part, Parts
from services.knowledge.upload_rows import Upload, replaceable
from services.knowledge.uploads import Uploads

LIFE = timedelta(hours=24)
# Unfinished uploads, and how many times the largest upload's bytes they have together: a member's, who alone may give
# them up, so that nobody is held up by one colleague; and an organisation's, which bound the disk.
OPEN_EACH = 20
OPEN_LARGEST = 4
OPEN_TOGETHER = 200
OPEN_LARGEST_TOGETHER = 16
RETRY_AFTER_S = 60
PIECE_BYTES = 1_048_576
PURGE_BATCH = 100


class ResumableUploads:
    def __init__(self, database: Database, parts: Parts, uploads: Uploads, max_bytes: int) -> None:
        self._database = database
        self._parts = parts
        self._uploads = uploads
        self._max_bytes = max_bytes

    async def announce(
        self,
        subject: Subject,
        length: int,
        file_name: str,
        title: str | None,
        attributes: DocumentAttributes,
        sha256: str | None,
    ) -> PartialUploadRow:
        """Raises what the whole would be refused for, as far as it shows by now: 403, 409, 413, 415, 422.

        Raises 429 where the subject or their organisation has too much on its way.
        """
        require_own_groups(subject, attributes.access)
        if length > self._max_bytes:
            raise FootnoteError(
                ErrorCode.PAYLOAD_TOO_LARGE,
                f"{file_name!r} is larger than {self._max_bytes:,} bytes. Split it.",
                413,
                {"max_bytes": self._max_bytes},
            )
        # A name without an ending is judged by its content, when that has come.
        if Path(file_name).suffix and detect_type(file_name, b"") is None:
            message = f"{file_name!r} isn't of a type that can be read. Send {ACCEPTED}."
            raise FootnoteError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, message, 415)
        upload_id = uuid4()
        if attributes.external_id is None:
            # Finishing twice, after a crash between two steps, then replaces instead of adding another.
            attributes = attributes.model_copy(update={"external_id": f"upload:{upload_id}"})
        row = PartialUploadRow(
            id=upload_id,
            organization_id=subject.organization_id,
            owner_id=subject.user_id,
            length=length,
            file_name=file_name,
            title=title,
            attributes=attributes.model_dump(mode="json", exclude_unset=True),
            sha256=sha256,
            expires_at=datetime.now(UTC) + LIFE,
        )
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            await self._require_room(session, subject, length)
            await replaceable(session, subject, [row.attributes["external_id"]])
            session.add(row)
        return row

    async def _require_room(self, session: AsyncSession, subject: Subject, length: int) -> None:
        """429 where the subject or their organisation has too much on its way."""
        counted = select(func.count(), func.coalesce(func.sum(PartialUploadRow.length), 0)).where(
            PartialUploadRow.organization_id == subject.organization_id, PartialUploadRow.document_id.is_(None)
        )
        own = counted.where(PartialUploadRow.owner_id == subject.user_id)
        uploads, announced = (await session.execute(own)).one()
        if uploads >= OPEN_EACH or announced + length > OPEN_LARGEST * self._max_bytes:
            raise _full("You have too many or too large unfinished uploads. Finish or delete one.")
        uploads, announced = (await session.execute(counted)).one()
        if uploads >= OPEN_TOGETHER or announced + length > OPEN_LARGEST_TOGETHER * self._max_bytes:
            raise _full("Your organisation has too many or too large unfinished uploads. Wait until some are finished.")

    async def find(self, subject: Subject, upload_id: UUID) -> tuple[PartialUploadRow, int]:
        """The upload and how many bytes have come; 404 for another's."""
        query = _own(subject).where(PartialUploadRow.id == upload_id)
        async with self._database.transaction() as session:
            row = await session.scalar(query)
        if row is None:
            raise not_found("upload", upload_id)
        return row, self._offset(row)

    async def unfinished(self, subject: Subject) -> list[PartialUpload]:
        query = _own(subject).where(PartialUploadRow.document_id.is_(None)).order_by(PartialUploadRow.created_at)
        async with self._database.transaction() as session:
            rows = list(await session.scalars(query))
        return [
            PartialUpload(
                upload_id=row.id,
                file_name=row.file_name,
                external_id=row.attributes["external_id"],
                length=row.length,
                offset=self._offset(row),
                sha256=row.sha256,
                expires_at=row.expires_at,
            )
            for row in rows
        ]

    async def append(
        self, subject: Subject, upload_id: UUID, offset: int, content: AsyncIterator[bytes]
    ) -> tuple[PartialUploadRow, int]:
        """Adds a part and returns the upload with its new offset; the last byte makes it a document.

        Raises 409 where the part doesn't begin where the last one ended, 423 while another request sends, and what any
        upload raises once it is whole; sending nothing at the end tries that again.
        """
        row, _ = await self.find(subject, upload_id)
        if row.document_id:
            _require_offset(offset, row.length)
            return row, row.length
        async with self._parts.held(row.organization_id, row.id) as part:
            row, _ = await self.find(subject, upload_id)
            if row.document_id:  # the request that held it before has finished it
                self._parts.delete(row.organization_id, row.id)
                return row, row.length
            _require_offset(offset, part.size())
            size = await part.append(content, row.length)
            await self._live_on(row)
            if size == row.length:
                row.document_id = await self._finish(subject, row, part)
        return row, size

    async def delete(self, subject: Subject, upload_id: UUID) -> None:
        row, _ = await self.find(subject, upload_id)
        await self._remove([row])

    async def purge(self) -> None:
        """Removes what nobody has sent to for a day, and files whose upload is finished or gone."""
        query = select(PartialUploadRow).where(PartialUploadRow.expires_at < func.now()).limit(PURGE_BATCH)
        async with self._database.transaction() as session:
            expired = list(await session.scalars(query))
        await self._remove(expired)
        # Each upload's row is there before its file: where there is none now, none comes.
        kept = dict(await asyncio.to_thread(lambda: [(upload, owner) for owner, upload in self._parts.all()]))
        uploads = list(kept)
        for start in range(0, len(uploads), PURGE_BATCH):
            some = uploads[start : start + PURGE_BATCH]
            growing = select(PartialUploadRow.id).where(
                PartialUploadRow.id.in_(some), PartialUploadRow.document_id.is_(None)
            )
            async with self._database.transaction() as session:
                left = set(some) - set(await session.scalars(growing))
            for upload_id in left:
                self._parts.delete(kept[upload_id], upload_id)

    async def _finish(self, subject: Subject, row: PartialUploadRow, part: Part) -> UUID:
        if row.sha256 and await asyncio.to_thread(_sha256, part.path) != row.sha256:
            await self._remove([row])
            raise FootnoteError(
                ErrorCode.VALIDATION_ERROR, f"{row.file_name!r} changed on its way. Send it again from the start.", 422
            )
        head = await asyncio.to_thread(_head, part.path)
        attributes = DocumentAttributes.model_validate(row.attributes)
        upload = Upload(attributes, row.title, row.file_name, head, _content(part.path))
        try:
            (accepted,) = await self._uploads.accept(subject, [upload])
        except FootnoteError as error:
            if error.code is ErrorCode.CONFLICT:
                # Whole and still there, it would look like a document to clients, who take a 409 for a wrong offset.
                await self._remove([row])
            raise
        async with self._database.transaction() as session:
            await session.execute(
                update(PartialUploadRow).where(PartialUploadRow.id == row.id).values(document_id=accepted.document_id)
            )
        self._parts.delete(row.organization_id, row.id)
        return accepted.document_id

    async def _live_on(self, row: PartialUploadRow) -> None:
        values = {"expires_at": datetime.now(UTC) + LIFE}
        async with self._database.transaction() as session:
            await session.execute(update(PartialUploadRow).where(PartialUploadRow.id == row.id).values(values))

    async def _remove(self, rows: Sequence[PartialUploadRow]) -> None:
        for row in rows:
            self._parts.delete(row.organization_id, row.id)
        async with self._database.transaction() as session:
            await session.execute(delete(PartialUploadRow).where(PartialUploadRow.id.in_([row.id for row in rows])))

    def _offset(self, row: PartialUploadRow) -> int:
        return row.length if row.document_id else self._parts.size(row.organization_id, row.id)


def _own(subject: Subject):  # noqa: ANN202 - SQLAlchemy's own type says less than the name
    return select(PartialUploadRow).where(
        PartialUploadRow.organization_id == subject.organization_id,
        PartialUploadRow.owner_id == subject.user_id,
        PartialUploadRow.expires_at > func.now(),
    )


def _full(message: str) -> FootnoteError:
    return FootnoteError(ErrorCode.OVERLOADED, message, 429, {}, {"Retry-After": str(RETRY_AFTER_S)})


def _require_offset(said: int, real: int) -> None:
    if said != real:
        raise FootnoteError(
            ErrorCode.CONFLICT,
            f"The upload has {real:,} bytes, not {said:,}. Go on from there.",
            409,
            {"offset": real},
            {"Upload-Offset": str(real)},
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


async def _content(path: Path) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
    finally:
        await asyncio.to_thread(file.close)
