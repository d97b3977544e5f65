"""Whose passages a search may name, worked out from who asks and from the filters."""

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import SearchFilters
from services.knowledge import queue, repository
from services.knowledge.access import open_collection, readable
from services.knowledge.models import CollectionRow, DocumentRow
from services.knowledge.ports import Scope


async def scope_of(session: AsyncSession, subject: Subject, filters: SearchFilters | None) -> Scope:
    """Raises 422 for a collection that the subject can't know."""
    named = None
    if filters and filters.collection_id:
        await require_known_collection(session, subject, filters.collection_id, "filters.collection_id")
    if filters and filters.external_ids:
        query = select(DocumentRow.id).where(readable(subject), DocumentRow.external_id.in_(filters.external_ids))
        named = tuple(await session.scalars(query))
    unserved = await queue.being_written(session, subject.organization_id)
    return Scope(subject.organization_id, await repository.reader_names(session, subject), filters, named, unserved)


async def require_known_collection(session: AsyncSession, subject: Subject, collection_id: UUID, field: str) -> None:
    """422 for one that doesn't exist as far as the subject can see: neither open to them nor around what they may read.

    A mistyped id would else look like a collection in which nothing is found.
    """
    seen = select(DocumentRow.id).where(readable(subject), DocumentRow.collection_id == collection_id).exists()
    of_organization = CollectionRow.organization_id == subject.organization_id
    query = select(CollectionRow.id).where(
        of_organization, CollectionRow.id == collection_id, or_(open_collection(subject), seen)
    )
    if await session.scalar(query) is None:
        raise FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"There is no collection {str(collection_id)!r}. The field 'collection_id' of a document names its own.",
            422,
            {"fields": [{"field": field, "message": "no such collection"}]},
        )
