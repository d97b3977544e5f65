"""What is used and what isn't: a document's own counts, and an organisation's documents by use."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select

from libs.contracts.identity import Subject
from libs.contracts.usage import DayUse, DocumentUse, PassageUse, UsedDocument, UsedDocumentList, UseOrder
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.access import readable, require_manager
from services.knowledge.models import DocumentRow
from services.knowledge.usage.models import DocumentUseRow, PassageUseRow

TOP_PASSAGES = 20
DEFAULT_DAYS = 30


class UseReports:
    """`today` gives the day in UTC."""

    def __init__(self, database: Database, today: Callable[[], date]) -> None:
        self._database = database
        self._today = today

    async def of_document(self, subject: Subject, document_id: UUID, since: date | None) -> DocumentUse:
        """Raises 404 for a document that isn't the subject's to see, 403 for one that isn't theirs to manage."""
        first = self._first_day(since)
        day, passage = DocumentUseRow, PassageUseRow
        found, cited = func.sum(passage.found), func.sum(passage.cited)
        async with self._database.transaction() as session:
            require_manager(subject, await repository.document_of(session, subject, document_id))
            days = await session.execute(
                select(day.day, day.found, day.cited)
                .where(day.document_id == document_id, day.day >= first)
                .order_by(day.day)
            )
            used = [DayUse(day=row.day, found=row.found, cited=row.cited) for row in days]
            passages = await session.execute(
                select(passage.chunk_id, found.label("found"), cited.label("cited"))
                .where(passage.document_id == document_id, passage.day >= first)
                .group_by(passage.chunk_id)
                .order_by(cited.desc(), found.desc(), passage.chunk_id)
                .limit(TOP_PASSAGES)
            )
            top = [PassageUse(chunk_id=row.chunk_id, found=row.found, cited=row.cited) for row in passages]
        return DocumentUse(
            document_id=document_id,
            since=first,
            found=sum(one.found for one in used),
            cited=sum(one.cited for one in used),
            days=used,
            passages=top,
        )

    async def of_all(
        self, subject: Subject, since: date | None, order: UseOrder, offset: int, limit: int, *, never_found: bool
    ) -> UsedDocumentList:
        """Those that the subject may read and that answers can use."""
        first = self._first_day(since)
        row, use = DocumentRow, DocumentUseRow
        found, cited = func.coalesce(func.sum(use.found), 0), func.coalesce(func.sum(use.cited), 0)
        query = (
            select(row.id, row.external_id, row.title, row.created_at, found.label("found"), cited.label("cited"))
            .outerjoin(use, and_(use.document_id == row.id, use.day >= first))
            .where(readable(subject), row.served_version.is_not(None))
            .group_by(row.id)
            .order_by(*_ordered(order, found, cited), row.created_at, row.id)
            .offset(offset)
            .limit(limit + 1)
        )
        if never_found:
            query = query.having(found == 0)
        async with self._database.transaction() as session:
            rows = (await session.execute(query)).all()
        items = [
            UsedDocument(
                document_id=one.id,
                external_id=one.external_id,
                title=one.title,
                created_at=one.created_at,
                found=one.found,
                cited=one.cited,
            )
            for one in rows[:limit]
        ]
        return UsedDocumentList(
            since=first, items=items, next_cursor=str(offset + limit) if len(rows) > limit else None
        )

    def _first_day(self, since: date | None) -> date:
        return since or self._today() - timedelta(days=DEFAULT_DAYS - 1)


def _ordered(order: UseOrder, found: ColumnElement[int], cited: ColumnElement[int]) -> Sequence[ColumnElement[int]]:
    return {
        UseOrder.MOST_FOUND: [found.desc(), cited.desc()],
        UseOrder.LEAST_FOUND: [found.asc(), cited.asc()],
        UseOrder.MOST_CITED: [cited.desc(), found.desc()],
        UseOrder.LEAST_CITED: [cited.asc(), found.asc()],
    }[order]
