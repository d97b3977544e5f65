"""Collections: documents under one name, which have its access unless they have their own.

Who owns a collection, and the organisation's owners and admins to whom it is open, see it, change it and put documents
into it. Everyone else sees the documents only.
"""

from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import Subject
from libs.contracts.lifecycle import Collection, CollectionChanges, CollectionList, CollectionRequest
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.access import (
    INHERITED,
    manageable_collection,
    readable,
    require_own_groups,
    shown_access,
    stored_access,
)
from services.knowledge.groups import Groups
from services.knowledge.models import CollectionRow, DocumentRow, RevisionRow
from services.knowledge.sources.models import SourceRow

# Each search names all that are open to its reader: 500 of them double its time in the index.
COLLECTIONS_MAX = 500


class Collections:
    def __init__(self, database: Database, groups: Groups) -> None:
        self._database = database
        self._groups = groups

    async def create(self, subject: Subject, request: CollectionRequest) -> Collection:
        """Raises 422 for a group that isn't the subject's, 409 past the bound."""
        require_own_groups(subject, request.access)
        await self._groups.require(subject, [request.access])
        access, group_ids = stored_access(request.access)
        row = CollectionRow(
            id=uuid4(),
            organization_id=subject.organization_id,
            owner_id=subject.user_id,
            name=request.name,
            access=access,
            group_ids=group_ids,
        )
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            of_organization = CollectionRow.organization_id == subject.organization_id
            if await _count(session, CollectionRow, of_organization) >= COLLECTIONS_MAX:
                raise FootnoteError(
                    ErrorCode.CONFLICT,
                    f"An organisation has at most {COLLECTIONS_MAX} collections. Delete one that is empty.",
                    409,
                )
            session.add(row)
            await session.flush()
            await session.refresh(row)
            return (await _shown(session, subject, [row]))[0]

    async def page(self, subject: Subject) -> CollectionList:
        """All that the subject manages, by name."""
        query = select(CollectionRow).where(manageable_collection(subject))
        async with self._database.transaction() as session:
            rows = list(await session.scalars(query.order_by(CollectionRow.name, CollectionRow.id)))
            return CollectionList(items=await _shown(session, subject, rows))

    async def show(self, subject: Subject, collection_id: UUID) -> Collection:
        async with self._database.transaction() as session:
            row = await _managed(session, subject, collection_id)
            return (await _shown(session, subject, [row]))[0]

    async def change(self, subject: Subject, collection_id: UUID, changes: CollectionChanges) -> Collection:
        """A new access holds with the next query for all documents that inherit it."""
        if "access" in changes.model_fields_set:
            require_own_groups(subject, changes.access)
            await self._groups.require(subject, [changes.access])
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            row = await _managed(session, subject, collection_id)
            if "name" in changes.model_fields_set:
                row.name = changes.name
            if "access" in changes.model_fields_set:
                row.access, row.group_ids = stored_access(changes.access)
            await repository.bump_knowledge_version(session, subject.organization_id)
            await session.flush()
            await session.refresh(row)
            return (await _shown(session, subject, [row]))[0]

    async def delete(self, subject: Subject, collection_id: UUID) -> None:
        """Raises 409 while documents lie in it or a source adds to it.

        Those in the bin leave it with the access that they had.
        """
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            collection = await _managed(session, subject, collection_id)
            coming = select(RevisionRow.document_id).where(RevisionRow.collection_id == collection_id)
            here = (DocumentRow.collection_id == collection_id) | DocumentRow.id.in_(coming)
            if await _count(session, DocumentRow, here & DocumentRow.deleted_at.is_(None)):
                raise FootnoteError(
                    ErrorCode.CONFLICT,
                    f"Documents lie in the collection {collection.name!r}. Move or delete them first.",
                    409,
                )
            named = SourceRow.attributes["collection_id"].astext == str(collection_id)
            if await _count(session, SourceRow, named & SourceRow.deleted_at.is_(None)):
                message = f"A source adds its documents to the collection {collection.name!r}. Delete the source first."
                raise FootnoteError(ErrorCode.CONFLICT, message, 409)
            for table in (DocumentRow, RevisionRow):
                inside = table.collection_id == collection_id
                held = {"access": collection.access, "group_ids": collection.group_ids}
                await session.execute(update(table).where(inside, table.access == INHERITED).values(held))
                await session.execute(update(table).where(inside).values(collection_id=None))
            await session.delete(collection)


async def _managed(session: AsyncSession, subject: Subject, collection_id: UUID) -> CollectionRow:
    collection = await repository.managed_collection(session, subject, collection_id)
    if collection is None:
        raise not_found("collection", collection_id)
    return collection


async def _count(
    session: AsyncSession, table: type[CollectionRow | DocumentRow | SourceRow], condition: ColumnElement[bool]
) -> int:
    return await session.scalar(select(func.count()).select_from(table).where(condition)) or 0


async def _shown(session: AsyncSession, subject: Subject, rows: list[CollectionRow]) -> list[Collection]:
    within = DocumentRow.collection_id.in_([row.id for row in rows])
    query = select(DocumentRow.collection_id, func.count()).where(readable(subject), within)
    counts = {row[0]: row[1] for row in await session.execute(query.group_by(DocumentRow.collection_id))}
    return [
        Collection(
            collection_id=row.id,
            name=row.name,
            access=shown_access(row.access, row.group_ids),
            documents=counts.get(row.id, 0),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]
