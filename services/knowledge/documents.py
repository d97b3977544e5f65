"""Showing documents, and giving them up."""

from uuid import UUID

from libs.contracts.identity import Subject
from libs.contracts.knowledge import Document, DocumentFailure, DocumentList, DocumentStatus
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.access import require_manager, shown_access
from services.knowledge.aftermath import give_up
from services.knowledge.models import DocumentRow


class Documents:
    def __init__(self, database: Database) -> None:
        self._database = database

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
            await repository.lock_organization(session, subject.organization_id)
            document = await repository.document_of(session, subject, document_id)
            require_manager(subject, document)
            await repository.mark_deleted(session, document)
            for revision in await repository.revisions_of(session, document_id):
                session.add(give_up(revision, counted=revision.status != "accepting"))
                await session.delete(revision)
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
