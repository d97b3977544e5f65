"""What is left of deleted documents, and of uploads that a crash cut in half."""

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import FootnoteError
from libs.stores.blobs import BlobStore
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge.documents import Documents, Pending
from services.knowledge.models import DocumentRow, RevisionRow
from services.knowledge.ports import PassageIndex

log = get_logger(__name__)

BATCH = 100
# Longer than any upload waits for billing's answer.
HALF_ACCEPTED_AFTER = timedelta(minutes=2)


class Purger:
    def __init__(self, database: Database, index: PassageIndex, blobs: BlobStore, documents: Documents) -> None:
        self._database = database
        self._index = index
        self._blobs = blobs
        self._documents = documents

    async def purge_deleted(self) -> int:
        """Removes deleted documents' passages, bytes and rows, in that order; returns how many documents went."""
        async with self._database.transaction() as session:
            query = select(DocumentRow).where(DocumentRow.deleted_at.is_not(None)).limit(BATCH)
            gone = list(await session.scalars(query))
        for document in gone:
            await self._index.remove(document.organization_id, [document.id])
            async with self._database.transaction() as session:
                unused = await _contents_only_of(session, document)
                for sha256 in unused:
                    await self._blobs.delete(document.organization_id, sha256)
                await session.execute(delete(DocumentRow).where(DocumentRow.id == document.id))
        return len(gone)

    async def finish_half_accepted(self) -> None:
        """Counts the storage of uploads whose process ended before it could; they were stored, so they are indexed."""
        async with self._database.transaction() as session:
            query = select(RevisionRow).where(
                RevisionRow.status == "accepting", RevisionRow.created_at < func.now() - HALF_ACCEPTED_AFTER
            )
            half = list(await session.scalars(query.limit(BATCH)))
        for revision in half:
            pending = Pending(revision.document_id, revision.id, revision.size_bytes)
            try:
                await self._documents.count_storage(revision.organization_id, pending)
            except FootnoteError as error:
                log.warning("upload not finished", revision_id=str(revision.id), reason=error.message)


async def _contents_only_of(session: AsyncSession, document: DocumentRow) -> list[str]:
    """The hashes of the document's files and text that no other document of the organisation has."""
    own = set(await session.scalars(select(RevisionRow.sha256).where(RevisionRow.document_id == document.id)))
    if document.served_text_sha256:
        own.add(document.served_text_sha256)
    files = await session.scalars(
        select(RevisionRow.sha256).where(
            RevisionRow.organization_id == document.organization_id,
            RevisionRow.document_id != document.id,
            RevisionRow.sha256.in_(own),
        )
    )
    texts = await session.scalars(
        select(DocumentRow.served_text_sha256).where(
            DocumentRow.organization_id == document.organization_id,
            DocumentRow.id != document.id,
            DocumentRow.served_text_sha256.in_(own),
        )
    )
    return sorted(own - set(files) - set(texts))
