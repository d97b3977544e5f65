"""What a client that keeps documents in step with its own files asks: which are here, with which bytes."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import DocumentFailure, DocumentStatus
from libs.contracts.sources import Inventory, InventoryItem
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.access import readable, require_manager
from services.knowledge.catching_up import behind
from services.knowledge.models import DocumentRow, RevisionRow
from services.knowledge.under_way import NOTHING, under_way


class Inventories:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, subject: Subject, prefix: str, cursor: str | None, limit: int) -> Inventory:
        """The documents whose external_id begins with `prefix`, in its order."""
        query = _items(subject).where(DocumentRow.external_id.startswith(_text(prefix), autoescape=True))
        if cursor:
            query = query.where(DocumentRow.external_id > _text(cursor))
        async with self._database.transaction() as session:
            items = await _read(session, query.order_by(DocumentRow.external_id).limit(limit + 1))
        more = len(items) > limit
        return Inventory(items=items[:limit], next_cursor=items[limit - 1].external_id if more else None)

    async def states(self, subject: Subject, document_ids: Sequence[UUID]) -> list[InventoryItem]:
        """Those of the documents that the subject may read."""
        async with self._database.transaction() as session:
            return await _read(session, _items(subject).where(DocumentRow.id.in_(set(document_ids))))

    async def rename(
        self, subject: Subject, document_id: UUID, external_id: str, source: str | None = None
    ) -> InventoryItem:
        """The document under its new external_id, and from `source` where that is given.

        Raises 404, 403, and 409 where another document has the external_id.
        """
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            document = await repository.document_of(session, subject, document_id)
            require_manager(subject, document)
            holder = await repository.with_external_id(session, subject.organization_id, external_id)
            if holder and holder.id != document_id:
                raise FootnoteError(
                    ErrorCode.CONFLICT,
                    f"Another document has the external_id {external_id!r}. Delete it, or choose another.",
                    409,
                )
            document.external_id = external_id
            if source is not None:
                for row in (document, *await repository.revisions_of(session, document_id)):
                    row.source = source
                session.add(behind(document))
            await repository.bump_knowledge_version(session, subject.organization_id)
            await session.flush()
            (item,) = await _read(session, _items(subject).where(DocumentRow.id == document_id))
        return item


Items = Select[DocumentRow, str]


def _items(subject: Subject) -> Items:
    newest = (
        select(RevisionRow.sha256)
        .where(RevisionRow.document_id == DocumentRow.id)
        .order_by(RevisionRow.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(DocumentRow, newest).where(readable(subject))


async def _read(session: AsyncSession, query: Items) -> list[InventoryItem]:
    rows = (await session.execute(query)).all()
    about = await under_way(session, [row for row, _ in rows])
    return [
        InventoryItem(
            document_id=row.id,
            external_id=row.external_id,
            sha256=sha256,
            status=DocumentStatus(row.status),
            error=DocumentFailure(code=row.error_code, message=row.error_message or "") if row.error_code else None,
            warnings=row.warnings,
            chunk_count=row.chunk_count,
            progress=about.get(row.id, NOTHING).progress,
            waiting=about.get(row.id, NOTHING).waiting,
        )
        for row, sha256 in rows
    ]


def _text(value: str) -> str:
    """PostgreSQL's text holds no NUL, so that nothing is found by one."""
    return value.replace("\x00", "")
