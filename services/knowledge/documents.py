"""Showing documents, and giving them up: into the bin, back out of it, or for ever."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import (
    Document,
    DocumentFailure,
    DocumentList,
    DocumentStatus,
    SearchFilters,
)
from libs.stores.postgres import Database
from services.knowledge import queue, repository
from services.knowledge.access import INHERITED, is_guest, require_manager, shown_access
from services.knowledge.aftermath import give_up_document
from services.knowledge.catching_up import RELAY_AFTER, IndexCatchUp, behind
from services.knowledge.guests import require_open_filters, shown_to
from services.knowledge.models import CollectionRow, DocumentRow
from services.knowledge.scope import require_known_collection
from services.knowledge.sources.exclusions import exclude, readmit
from services.knowledge.under_way import NOTHING, UnderWay, under_way


class Shower:
    """Documents as their readers see them; `bin_life` is how long the bin keeps one."""

    def __init__(self, bin_life: timedelta) -> None:
        self._bin_life = bin_life

    async def show(self, session: AsyncSession, rows: Sequence[DocumentRow]) -> list[Document]:
        collections = await repository.collections_of(session, rows)
        about = await under_way(session, rows)
        shown: list[Document] = []
        for row in rows:
            collection = collections.get(row.collection_id) if row.collection_id else None
            shown.append(self._shown(row, collection, about.get(row.id, NOTHING)))
        return shown

    def _shown(self, row: DocumentRow, collection: CollectionRow | None, about: UnderWay) -> Document:
        failure = None
        if row.error_code:
            failure = DocumentFailure(code=row.error_code, message=row.error_message or "")
        inherits = row.access == INHERITED
        holds = collection if inherits and collection else row
        return Document(
            document_id=row.id,
            external_id=row.external_id,
            title=row.title,
            status=DocumentStatus(row.status),
            error=failure,
            warnings=row.warnings,
            progress=about.progress,
            waiting=about.waiting,
            chunk_count=row.chunk_count,
            size_bytes=row.size_bytes,
            media_type=row.media_type,
            category=row.category,
            tags=row.tags,
            collection_id=row.collection_id,
            access=shown_access(holds.access, holds.group_ids),
            inherits_access=inherits,
            metadata=row.custom,
            language=row.language,
            source=row.source,
            date=row.dated_at,
            created_at=row.created_at,
            updated_at=row.updated_at,
            deleted_at=row.deleted_at,
            purge_at=row.deleted_at + self._bin_life if row.deleted_at else None,
        )


class Documents:
    def __init__(self, database: Database, catch_up: IndexCatchUp, shower: Shower) -> None:
        self._database = database
        self._catch_up = catch_up
        self._shower = shower

    async def show(self, subject: Subject, document_id: UUID) -> Document:
        async with self._database.transaction() as session:
            document = await repository.document_of(session, subject, document_id)
            return shown_to(subject, (await self._shower.show(session, [document]))[0])

    async def page(
        self,
        subject: Subject,
        *,
        status: DocumentStatus | None,
        title: str | None,
        cursor: str | None,
        limit: int,
        deleted: bool = False,
        filters: SearchFilters,
    ) -> DocumentList:
        """Raises 422 for a collection that the subject can't know."""
        if is_guest(subject) and status:
            if status is not DocumentStatus.COMPLETED:
                return DocumentList(items=[], next_cursor=None)
            status = None
        require_open_filters(subject, filters)
        async with self._database.transaction() as session:
            if filters.collection_id:
                await require_known_collection(session, subject, filters.collection_id, "query.collection_id")
            rows, next_cursor = await repository.page_of_documents(
                session,
                subject,
                status=status,
                title=title,
                cursor=cursor,
                limit=limit,
                deleted=deleted,
                filters=filters,
            )
            shown = [shown_to(subject, document) for document in await self._shower.show(session, rows)]
            return DocumentList(items=shown, next_cursor=next_cursor)

    async def delete(self, subject: Subject, document_id: UUID, *, by_source: bool = False) -> None:
        """Into the bin: gone from every answer when this returns, and kept whole.

        Its source doesn't bring it back, unless it was the source that deleted it (`by_source`).
        """
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            document = await repository.document_of(session, subject, document_id)
            require_manager(subject, document)
            document.deleted_at = func.now()
            if not by_source:
                await exclude(session, document)
            await queue.withdraw(session, document_id)
            await repository.bump_knowledge_version(session, subject.organization_id)
            message = behind(document, RELAY_AFTER)
            session.add(message)
        await self._catch_up.now(message)

    async def restore(self, subject: Subject, document_id: UUID) -> Document:
        """Out of the bin, to be found when this returns. Raises 409 where another took its external_id meanwhile."""
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            document = await repository.binned_document_of(session, subject, document_id)
            if document.external_id and await repository.with_external_id(
                session, subject.organization_id, document.external_id
            ):
                raise FootnoteError(
                    ErrorCode.CONFLICT,
                    f"Another document has the external_id {document.external_id!r} now. Delete it first.",
                    409,
                )
            document.deleted_at = None
            await readmit(session, document)
            await repository.bump_knowledge_version(session, subject.organization_id)
            message = behind(document, RELAY_AFTER)
            session.add(message)
            await session.flush()
            await session.refresh(document)
            shown = await self._shower.show(session, [document])
        await self._catch_up.now(message)
        return shown[0]

    async def purge(self, subject: Subject, document_id: UUID) -> None:
        """Gone for ever, from the bin or from where it was; the worker then erases index rows and bytes."""
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            try:
                document = await repository.document_of(session, subject, document_id)
            except FootnoteError:
                document = await repository.binned_document_of(session, subject, document_id)
            require_manager(subject, document)
            await exclude(session, document)
            await give_up_document(session, document)
            await repository.bump_knowledge_version(session, subject.organization_id)
