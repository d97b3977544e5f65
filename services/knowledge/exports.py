"""A member's documents as one file: asked for here, packed by the worker."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import Subject
from libs.contracts.lifecycle import Export, ExportAccepted, ExportRequest, ExportStatus
from libs.stores.blobs import BlobStore
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.access import readable
from services.knowledge.aftermath import give_up_export
from services.knowledge.models import DocumentRow, ExportRow
from services.knowledge.scope import require_known_collection

UNFINISHED = (ExportStatus.PENDING, ExportStatus.RUNNING)


@dataclass(frozen=True)
class Download:
    path: Path
    file_name: str


class Exports:
    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def request(self, subject: Subject, request: ExportRequest) -> ExportAccepted:
        """Takes the place of the subject's last one. Raises 409 while it isn't done, 422 for a foreign collection."""
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            if request.filters.collection_id:
                await require_known_collection(session, subject, request.filters.collection_id, "filters.collection_id")
            for former in await session.scalars(select(ExportRow).where(_own(subject))):
                if former.status in UNFINISHED:
                    raise FootnoteError(
                        ErrorCode.CONFLICT,
                        f"Your export {str(former.id)!r} isn't finished. Wait for it, then ask for the next.",
                        409,
                        {"export_id": str(former.id)},
                    )
                await give_up_export(session, former)
            row = ExportRow(
                id=uuid4(),
                organization_id=subject.organization_id,
                user_id=subject.user_id,
                subject=subject.model_dump(mode="json"),
                filters=request.filters.model_dump(mode="json"),
                status=ExportStatus.PENDING,
            )
            session.add(row)
        return ExportAccepted(export_id=row.id, status=ExportStatus.PENDING)

    async def show(self, subject: Subject, export_id: UUID) -> Export:
        async with self._database.transaction() as session:
            row = await _export_of(session, subject, export_id)
        ready = row.status == ExportStatus.READY
        return Export(
            export_id=row.id,
            status=ExportStatus(row.status),
            documents=len(row.document_ids),
            bytes=row.size_bytes,
            download_url=f"/documents/exports/{row.id}/download" if ready else None,
            created_at=row.created_at,
            expires_at=row.expires_at,
        )

    async def download(self, subject: Subject, export_id: UUID) -> Download:
        """Raises 404; 409 while it isn't ready, and where it holds what the subject may not read any more."""
        async with self._database.transaction() as session:
            row = await _export_of(session, subject, export_id)
            if row.status != ExportStatus.READY or row.sha256 is None:
                raise FootnoteError(ErrorCode.CONFLICT, f"The export is {row.status}. Wait until it is ready.", 409)
            if not await all_readable(session, subject, row.document_ids):
                raise FootnoteError(
                    ErrorCode.CONFLICT,
                    "The export holds documents that were deleted or closed to you since. Ask for a new one.",
                    409,
                )
        try:
            path = await self._blobs.local_path(subject.organization_id, row.sha256)
        except FileNotFoundError as error:
            raise not_found("export", export_id) from error
        return Download(path, f"footnote-{row.created_at.astimezone(UTC):%Y-%m-%d}.zip")


async def all_readable(session: AsyncSession, subject: Subject, document_ids: list[UUID]) -> bool:
    query = select(func.count()).select_from(DocumentRow).where(readable(subject), DocumentRow.id.in_(document_ids))
    return await session.scalar(query) == len(document_ids)


async def _export_of(session: AsyncSession, subject: Subject, export_id: UUID) -> ExportRow:
    lasting = or_(ExportRow.expires_at.is_(None), ExportRow.expires_at > datetime.now(UTC))
    row = await session.scalar(select(ExportRow).where(_own(subject), ExportRow.id == export_id, lasting))
    if row is None:
        raise not_found("export", export_id)
    return row


def _own(subject: Subject) -> ColumnElement[bool]:
    return and_(ExportRow.organization_id == subject.organization_id, ExportRow.user_id == subject.user_id)
