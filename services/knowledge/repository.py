"""Documents in the system of record; every query that a reader causes starts from `readable(subject)`."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import Subject
from libs.contracts.knowledge import DocumentStatus, SearchFilters
from libs.contracts.values import MetadataValue
from services.knowledge.access import manageable_collection, open_collection, readable, readers_of, restorable
from services.knowledge.filtering import matching
from services.knowledge.models import CollectionRow, DocumentRow, OrganizationRow, RevisionRow, TextRow


async def document_of(session: AsyncSession, subject: Subject, document_id: UUID) -> DocumentRow:
    """404 also for a document that exists but isn't the subject's to see."""
    query = select(DocumentRow).where(readable(subject), DocumentRow.id == document_id)
    document = await session.scalar(query)
    if document is None:
        raise not_found("document", document_id)
    return document


async def open_to(session: AsyncSession, subject: Subject, document_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the documents that the subject may read."""
    query = select(DocumentRow.id).where(readable(subject), DocumentRow.id.in_(set(document_ids)))
    return set(await session.scalars(query))


async def binned_document_of(session: AsyncSession, subject: Subject, document_id: UUID) -> DocumentRow:
    """A document in the bin that the subject may bring back; 404 for any other."""
    query = select(DocumentRow).where(restorable(subject), DocumentRow.id == document_id)
    document = await session.scalar(query)
    if document is None:
        raise not_found("deleted document", document_id)
    return document


async def page_of_documents(
    session: AsyncSession,
    subject: Subject,
    *,
    status: DocumentStatus | None,
    title: str | None,
    cursor: str | None,
    limit: int,
    deleted: bool = False,
    filters: SearchFilters | None = None,
) -> tuple[list[DocumentRow], str | None]:
    """The newest first, and where the next page begins; those in the bin where `deleted`."""
    query = select(DocumentRow).where(restorable(subject) if deleted else readable(subject), *matching(filters))
    if status:
        query = query.where(DocumentRow.status == status)
    if title:
        query = query.where(DocumentRow.title.icontains(title.replace("\x00", ""), autoescape=True))
    if cursor:
        query = query.where(tuple_(DocumentRow.created_at, DocumentRow.id) < tuple_(*_position(cursor)))
    query = query.order_by(DocumentRow.created_at.desc(), DocumentRow.id.desc()).limit(limit + 1)
    rows = list(await session.scalars(query))
    more = len(rows) > limit
    return rows[:limit], _cursor(rows[limit - 1]) if more else None


async def readable_documents(
    session: AsyncSession, subject: Subject, filters: SearchFilters, after: UUID, limit: int
) -> list[DocumentRow]:
    """Those that match, in the order of their ids."""
    query = select(DocumentRow).where(readable(subject), DocumentRow.id > after, *matching(filters))
    return list(await session.scalars(query.order_by(DocumentRow.id).limit(limit)))


@dataclass(frozen=True)
class ServedDocument:
    """What an answer says of a document; its passages are those of `version`.

    `authority` is the number that its metadata give it, for answers whose sources disagree.
    """

    id: UUID
    external_id: str | None
    title: str
    version: UUID
    dated_at: datetime
    authority: float | None = None


async def served_documents(
    session: AsyncSession, subject: Subject, document_ids: Iterable[UUID], filters: SearchFilters | None = None
) -> dict[UUID, ServedDocument]:
    """Those of the documents that the subject may read now, that match and that have passages."""
    row = DocumentRow
    query = select(row.id, row.external_id, row.title, row.served_version, row.dated_at, row.custom).where(
        readable(subject), row.id.in_(set(document_ids)), row.served_version.is_not(None), *matching(filters)
    )
    rows = await session.execute(query)
    return {
        id_: ServedDocument(id_, external_id, title, version, dated_at, _authority(custom))
        for id_, external_id, title, version, dated_at, custom in rows
        if version
    }


def _authority(custom: Mapping[str, MetadataValue]) -> float | None:
    stated = custom.get("authority")
    return None if stated is None or isinstance(stated, bool | str) else float(stated)


async def living_documents(session: AsyncSession, document_ids: Iterable[UUID]) -> dict[UUID, DocumentRow]:
    """For work that acts for no reader: those of the documents that aren't deleted."""
    query = select(DocumentRow).where(DocumentRow.id.in_(set(document_ids)), DocumentRow.deleted_at.is_(None))
    return {row.id: row for row in await session.scalars(query)}


async def kept_documents(session: AsyncSession, document_ids: Iterable[UUID]) -> dict[UUID, DocumentRow]:
    """As `living_documents`, with those in the bin."""
    query = select(DocumentRow).where(DocumentRow.id.in_(set(document_ids)), DocumentRow.purged_at.is_(None))
    return {row.id: row for row in await session.scalars(query)}


async def reader_names(session: AsyncSession, subject: Subject) -> tuple[str, ...]:
    """The names under which index rows may be open to the subject."""
    collections = await session.scalars(select(CollectionRow.id).where(open_collection(subject)))
    return readers_of(subject, collections)


async def collections_of(session: AsyncSession, rows: Iterable[DocumentRow | RevisionRow]) -> dict[UUID, CollectionRow]:
    """The collections that the rows lie in: whoever may read a row may know its collection's access."""
    ids = {row.collection_id for row in rows} - {None}
    if not ids:
        return {}
    query = select(CollectionRow).where(CollectionRow.id.in_(ids))
    return {row.id: row for row in await session.scalars(query)}


async def managed_collection(session: AsyncSession, subject: Subject, collection_id: UUID) -> CollectionRow | None:
    """None for one that isn't the subject's to see and change."""
    query = select(CollectionRow).where(manageable_collection(subject), CollectionRow.id == collection_id)
    return await session.scalar(query)


async def require_collection(session: AsyncSession, subject: Subject, collection_id: UUID | None) -> None:
    """422 where the subject may not put a document there."""
    if collection_id and await managed_collection(session, subject, collection_id) is None:
        raise FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"There is no collection {str(collection_id)!r} of yours. Make one with POST /documents/collections.",
            422,
            {"fields": [{"field": "collection_id", "message": "no collection of yours"}]},
        )


async def with_external_ids(
    session: AsyncSession, organization_id: UUID, external_ids: Iterable[str]
) -> dict[str, DocumentRow]:
    """The living documents of those names, whoever may read them: replacing needs to know of them."""
    query = select(DocumentRow).where(
        DocumentRow.organization_id == organization_id,
        DocumentRow.external_id.in_(set(external_ids)),
        DocumentRow.deleted_at.is_(None),
    )
    return {row.external_id: row for row in await session.scalars(query) if row.external_id}


async def with_external_id(session: AsyncSession, organization_id: UUID, external_id: str) -> DocumentRow | None:
    """As `with_external_ids`."""
    return (await with_external_ids(session, organization_id, [external_id])).get(external_id)


async def revisions_of_each(session: AsyncSession, document_ids: Iterable[UUID]) -> dict[UUID, list[RevisionRow]]:
    """By document; every document has a list."""
    found: dict[UUID, list[RevisionRow]] = {document_id: [] for document_id in document_ids}
    for row in await session.scalars(select(RevisionRow).where(RevisionRow.document_id.in_(found))):
        found[row.document_id].append(row)
    return found


async def revisions_of(session: AsyncSession, document_id: UUID) -> Sequence[RevisionRow]:
    return list(await session.scalars(select(RevisionRow).where(RevisionRow.document_id == document_id)))


async def keep_texts(session: AsyncSession, contents: Mapping[UUID, str]) -> None:
    """The documents' texts, in the place of those before."""
    if contents:
        text = insert(TextRow)
        text = text.on_conflict_do_update(index_elements=[TextRow.document_id], set_={"content": text.excluded.content})
        # In one order everywhere, so that no two wait for each other.
        await session.execute(text, [{"document_id": id_, "content": contents[id_]} for id_ in sorted(contents)])


async def surroundings(
    session: AsyncSession, document_id: UUID, version: UUID, start: int, end: int, around: int
) -> tuple[str, str] | None:
    """Up to `around` characters of the text before `start` and after `end`; None if the version isn't served now."""
    first = max(0, start - around)
    text = TextRow.content
    query = (
        select(func.substring(text, first + 1, start - first), func.substring(text, end + 1, around))
        .join(DocumentRow, DocumentRow.id == TextRow.document_id)
        .where(DocumentRow.id == document_id, DocumentRow.served_version == version)
    )
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row else None


async def lock_organization(session: AsyncSession, organization_id: UUID) -> None:
    """Held to the transaction's end, first of all locks, by whatever changes an organisation's documents.

    One order of locks means no deadlock, and what the transaction reads stays so until it commits.
    """
    await session.execute(insert(OrganizationRow).values(organization_id=organization_id).on_conflict_do_nothing())
    await session.execute(
        select(OrganizationRow).where(OrganizationRow.organization_id == organization_id).with_for_update()
    )


async def knowledge_version(session: AsyncSession, organization_id: UUID) -> int:
    query = select(OrganizationRow.knowledge_version).where(OrganizationRow.organization_id == organization_id)
    return await session.scalar(query) or 0


async def bump_knowledge_version(session: AsyncSession, organization_id: UUID) -> None:
    """In the transaction of every change that a reader could notice, under `lock_organization`."""
    await session.execute(
        update(OrganizationRow)
        .where(OrganizationRow.organization_id == organization_id)
        .values(knowledge_version=OrganizationRow.knowledge_version + 1)
    )


def _cursor(row: DocumentRow) -> str:
    position = json.dumps([row.created_at.isoformat(), str(row.id)])
    return base64.urlsafe_b64encode(position.encode()).decode()


def _position(cursor: str) -> tuple[datetime, UUID]:
    try:
        created_at, document_id = json.loads(base64.urlsafe_b64decode(cursor))
        return datetime.fromisoformat(created_at).astimezone(UTC), UUID(document_id)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"{cursor[:60]!r} isn't a cursor of ours. Start again without one.",
            422,
            {"fields": [{"field": "cursor", "message": "unknown cursor"}]},
        ) from error
