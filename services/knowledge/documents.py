"""Taking documents in, showing them, and giving them up."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import delete, func, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from libs.clients.billing import BillingClient
from libs.contracts.billing import StorageChange
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import (
    Document,
    DocumentAccepted,
    DocumentAttributes,
    DocumentFailure,
    DocumentList,
    DocumentStatus,
)
from libs.stores.blobs import BlobStore, BlobTooLargeError
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.access import require_manager, require_own_groups, shown_access, stored_access
from services.knowledge.models import DocumentRow, OutboxRow, RevisionRow
from services.knowledge.parsing.media_types import detect_type

STORAGE_TOPIC = "storage-change"
HEAD_BYTES = 65_536


@dataclass(frozen=True)
class Upload:
    """A document on its way in: what is said of it, and its bytes. `title` None leaves it to the file."""

    attributes: DocumentAttributes
    title: str | None
    file_name: str
    head: bytes
    content: AsyncIterator[bytes]


@dataclass(frozen=True)
class Pending:
    """A stored upload whose storage isn't counted yet."""

    document_id: UUID
    revision_id: UUID
    size_bytes: int


class Documents:
    def __init__(self, database: Database, blobs: BlobStore, billing: BillingClient, max_bytes: int) -> None:
        self._database = database
        self._blobs = blobs
        self._billing = billing
        self._max_bytes = max_bytes

    async def accept(self, subject: Subject, upload: Upload) -> DocumentAccepted:
        """Stores the content and lines it up for indexing; the same external_id replaces.

        The row that says so is written before billing is asked, so that a crash in between loses neither bytes nor
        count: the worker finishes what it finds half accepted. Raises 413, 415, 409, 422 and billing's 429.
        """
        require_own_groups(subject, upload.attributes.access)
        media_type = detect_type(upload.file_name, upload.head)
        if media_type is None:
            raise FootnoteError(
                ErrorCode.UNSUPPORTED_MEDIA_TYPE,
                f"{upload.file_name!r} isn't of a type that can be read. Send Markdown, HTML, plain text, PDF or DOCX.",
                415,
            )
        try:
            sha256, size = await self._blobs.put(subject.organization_id, upload.content, self._max_bytes)
        except BlobTooLargeError as error:
            raise FootnoteError(
                ErrorCode.PAYLOAD_TOO_LARGE,
                f"{upload.file_name!r} is larger than {self._max_bytes:,} bytes. Split it.",
                413,
                {"max_bytes": self._max_bytes},
            ) from error
        async with self._database.transaction() as session:
            pending = await _write(session, subject, upload, media_type, sha256, size)
        await self.count_storage(subject.organization_id, pending)
        return DocumentAccepted(document_id=pending.document_id, status=DocumentStatus.PENDING)

    async def count_storage(self, organization_id: UUID, pending: Pending) -> None:
        """Counts the revision's bytes and lines it up; billing's refusal takes the upload back and is raised again."""
        change = StorageChange(
            event_id=f"revision:{pending.revision_id}:kept",
            organization_id=organization_id,
            delta_bytes=pending.size_bytes,
        )
        try:
            await self._billing.change_storage(change)
        except FootnoteError as error:
            if error.code is ErrorCode.QUOTA_EXCEEDED:
                async with self._database.transaction() as session:
                    await _take_back(session, pending)
            raise
        async with self._database.transaction() as session:
            await session.execute(
                update(RevisionRow)
                .where(RevisionRow.id == pending.revision_id, RevisionRow.status == "accepting")
                .values(status="pending")
            )

    async def show(self, subject: Subject, document_id: UUID) -> Document:
        async with self._database.transaction() as session:
            return shown(await repository.document_of(session, subject, document_id))

    async def page(
        self, subject: Subject, *, status: DocumentStatus | None, title: str | None, cursor: str | None, limit: int
    ) -> DocumentList:
        async with self._database.transaction() as session:
            rows, next_cursor = await repository.page_of_documents(
                session, subject, status=status, title=title, cursor=cursor, limit=limit
            )
        return DocumentList(items=[shown(row) for row in rows], next_cursor=next_cursor)

    async def delete(self, subject: Subject, document_id: UUID) -> None:
        """Gone from every answer when this returns; the worker then purges index rows and bytes."""
        async with self._database.transaction() as session:
            document = await repository.lock_document(session, subject, document_id)
            require_manager(subject, document)
            await repository.mark_deleted(session, document)
            for revision in await repository.revisions_of(session, document_id):
                give_up_storage(session, revision)
            await repository.bump_knowledge_version(session, subject.organization_id)


def shown(row: DocumentRow) -> Document:
    failure = None
    if row.error_code:
        failure = DocumentFailure(code=row.error_code, message=row.error_message or "")
    return Document(
        document_id=row.id,
        external_id=row.external_id,
        title=row.title,
        status=DocumentStatus(row.status),
        error=failure,
        chunk_count=row.chunk_count,
        size_bytes=row.size_bytes,
        media_type=row.media_type,
        category=row.category,
        tags=row.tags,
        collection_id=row.collection_id,
        access=shown_access(row.access, row.group_ids),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def give_up_storage(session: AsyncSession, revision: RevisionRow) -> None:
    """Tells billing, through the outbox, that the revision's bytes are no longer kept. Told twice, it counts once."""
    change = StorageChange(
        event_id=f"revision:{revision.id}:given-up",
        organization_id=revision.organization_id,
        delta_bytes=-revision.size_bytes,
    )
    session.add(OutboxRow(topic=STORAGE_TOPIC, payload=change.model_dump(mode="json")))


async def _write(
    session: AsyncSession, subject: Subject, upload: Upload, media_type: str, sha256: str, size: int
) -> Pending:
    """The document's row, new or the one being replaced, and the revision that waits."""
    attributes = upload.attributes
    access, group_ids = stored_access(attributes.access)
    await repository.ensure_organization(session, subject.organization_id)
    document = None
    if attributes.external_id:
        document = await repository.with_external_id(session, subject.organization_id, attributes.external_id)
    number = 1
    if document is None:
        document = DocumentRow(
            id=uuid4(),
            organization_id=subject.organization_id,
            owner_id=subject.user_id,
            external_id=attributes.external_id,
            title=upload.title or upload.file_name,
            category=attributes.category,
            tags=attributes.tags,
            collection_id=attributes.collection_id,
            access=access,
            group_ids=group_ids,
            status=DocumentStatus.PENDING,
            media_type=media_type,
            size_bytes=size,
        )
        session.add(document)
        await _flush_new(session, attributes.external_id)
    else:
        require_manager(subject, document)
        # Who may read changes at once; what there is to read changes when the new content is ready.
        document.access, document.group_ids = access, group_ids
        document.status, document.error_code, document.error_message = DocumentStatus.PENDING, None, None
        latest = await repository.latest_revision(session, document.id)
        number = latest.number + 1 if latest else 1
        await repository.bump_knowledge_version(session, subject.organization_id)
    revision = RevisionRow(
        id=uuid4(),
        document_id=document.id,
        organization_id=subject.organization_id,
        number=number,
        sha256=sha256,
        size_bytes=size,
        file_name=upload.file_name,
        media_type=media_type,
        title=upload.title,
        category=attributes.category,
        tags=attributes.tags,
        status="accepting",
    )
    session.add(revision)
    return Pending(document.id, revision.id, size)


async def _flush_new(session: AsyncSession, external_id: str | None) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        raise FootnoteError(
            ErrorCode.CONFLICT, f"Another upload of {external_id!r} came first. Send yours again to replace it.", 409
        ) from error


async def _take_back(session: AsyncSession, pending: Pending) -> None:
    """As if the upload had never come: a document that has other content keeps it."""
    await session.execute(delete(RevisionRow).where(RevisionRow.id == pending.revision_id))
    latest = await repository.latest_revision(session, pending.document_id)
    if latest is None:
        await session.execute(delete(DocumentRow).where(DocumentRow.id == pending.document_id))
        return
    status = latest.status if latest.status in DocumentStatus else DocumentStatus.COMPLETED
    await session.execute(
        update(DocumentRow).where(DocumentRow.id == pending.document_id).values(status=status, updated_at=func.now())
    )
