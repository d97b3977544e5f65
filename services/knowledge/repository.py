"""Documents in the system of record; every query that a reader causes starts from `readable(subject)`."""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import Subject
from libs.contracts.knowledge import DocumentStatus
from services.knowledge.access import readable
from services.knowledge.models import DocumentRow, OrganizationRow, RevisionRow


async def document_of(session: AsyncSession, subject: Subject, document_id: UUID) -> DocumentRow:
    """404 also for a document that exists but isn't the subject's to see."""
    query = select(DocumentRow).where(readable(subject), DocumentRow.id == document_id)
    document = await session.scalar(query)
    if document is None:
        raise not_found("document", document_id)
    return document


async def lock_document(session: AsyncSession, subject: Subject, document_id: UUID) -> DocumentRow:
    query = select(DocumentRow).where(readable(subject), DocumentRow.id == document_id).with_for_update()
    document = await session.scalar(query)
    if document is None:
        raise not_found("document", document_id)
    return document


async def page_of_documents(
    session: AsyncSession,
    subject: Subject,
    *,
    status: DocumentStatus | None,
    title: str | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[DocumentRow], str | None]:
    """The newest first, and where the next page begins."""
    query = select(DocumentRow).where(readable(subject))
    if status:
        query = query.where(DocumentRow.status == status)
    if title:
        query = query.where(DocumentRow.title.icontains(title, autoescape=True))
    if cursor:
        query = query.where(tuple_(DocumentRow.created_at, DocumentRow.id) < tuple_(*_position(cursor)))
    query = query.order_by(DocumentRow.created_at.desc(), DocumentRow.id.desc()).limit(limit + 1)
    rows = list(await session.scalars(query))
    more = len(rows) > limit
    return rows[:limit], _cursor(rows[limit - 1]) if more else None


async def served_documents(
    session: AsyncSession, subject: Subject, document_ids: Iterable[UUID]
) -> dict[UUID, DocumentRow]:
    """Those of the documents that the subject may read now."""
    query = select(DocumentRow).where(
        readable(subject), DocumentRow.id.in_(set(document_ids)), DocumentRow.served_version.is_not(None)
    )
    return {row.id: row for row in await session.scalars(query)}


async def living_documents(
    session: AsyncSession, document_ids: Iterable[UUID], *, for_update: bool = False
) -> dict[UUID, DocumentRow]:
    """For the worker, which acts for no reader: those of the documents that aren't deleted."""
    query = select(DocumentRow).where(DocumentRow.id.in_(set(document_ids)), DocumentRow.deleted_at.is_(None))
    if for_update:
        query = query.order_by(DocumentRow.id).with_for_update()
    return {row.id: row for row in await session.scalars(query)}


async def with_external_id(session: AsyncSession, organization_id: UUID, external_id: str) -> DocumentRow | None:
    """The living document of that name, whoever may read it, locked: replacing needs to know of it."""
    query = (
        select(DocumentRow)
        .where(
            DocumentRow.organization_id == organization_id,
            DocumentRow.external_id == external_id,
            DocumentRow.deleted_at.is_(None),
        )
        .with_for_update()
    )
    return await session.scalar(query)


async def latest_revision(session: AsyncSession, document_id: UUID) -> RevisionRow | None:
    query = (
        select(RevisionRow).where(RevisionRow.document_id == document_id).order_by(RevisionRow.number.desc()).limit(1)
    )
    return await session.scalar(query)


async def revisions_of(session: AsyncSession, document_id: UUID) -> Sequence[RevisionRow]:
    return list(await session.scalars(select(RevisionRow).where(RevisionRow.document_id == document_id)))


async def knowledge_version(session: AsyncSession, organization_id: UUID) -> int:
    query = select(OrganizationRow.knowledge_version).where(OrganizationRow.organization_id == organization_id)
    return await session.scalar(query) or 0


async def bump_knowledge_version(session: AsyncSession, organization_id: UUID) -> None:
    """In the transaction of every change that a reader could notice."""
    await session.execute(
        insert(OrganizationRow)
        .values(organization_id=organization_id, knowledge_version=1)
        .on_conflict_do_update(
            index_elements=[OrganizationRow.organization_id],
            set_={"knowledge_version": OrganizationRow.knowledge_version + 1},
        )
    )


async def ensure_organization(session: AsyncSession, organization_id: UUID) -> None:
    await session.execute(insert(OrganizationRow).values(organization_id=organization_id).on_conflict_do_nothing())


async def mark_deleted(session: AsyncSession, document: DocumentRow) -> None:
    """From this transaction on no query finds it; its bytes are purged by the worker."""
    await session.execute(
        update(DocumentRow).where(DocumentRow.id == document.id).values(deleted_at=func.now(), served_version=None)
    )


def _cursor(row: DocumentRow) -> str:
    position = json.dumps([row.created_at.isoformat(), str(row.id)])
    return base64.urlsafe_b64encode(position.encode()).decode()


def _position(cursor: str) -> tuple[datetime, UUID]:
    try:
        created_at, document_id = json.loads(base64.urlsafe_b64decode(cursor))
        return datetime.fromisoformat(created_at), UUID(document_id)
    except (ValueError, TypeError, binascii.Error) as error:
        raise FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"{cursor[:60]!r} isn't a cursor of ours. Start again without one.",
            422,
            {"fields": [{"field": "cursor", "message": "unknown cursor"}]},
        ) from error
