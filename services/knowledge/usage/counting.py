"""Counting what searches find and answers cite.

What is found is gathered in memory and written every second: a search doesn't wait for it, and a process that is killed
loses at most what it found since. What is cited comes through chat's outbox, and counts exactly once.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, timedelta
from typing import Protocol
from uuid import UUID

from prometheus_client import Counter as Metric
from sqlalchemy import ColumnElement, Date, delete, func, select, type_coerce
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.usage import CitedAnswer
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge.models import DocumentRow
from services.knowledge.usage.models import CountedAnswerRow, DocumentUseRow, PassageUseRow

log = get_logger(__name__)

DROPPED = Metric("footnote_use_counts_dropped_total", "Finds that weren't counted: the database was away too long.")

WRITE_EVERY_S = 1.0
# Passages and days waiting for a database that is away; what comes to more is dropped, said in the log and a metric.
MOST_WAITING = 50_000
# Longer than chat keeps telling of an answer.
ANSWERS_KEPT = timedelta(days=30)
BATCH = 10_000

Key = tuple[UUID, UUID, date]


class Passage(Protocol):
    @property
    def document_id(self) -> UUID: ...

    @property
    def chunk_id(self) -> UUID: ...


class UseCounts:
    """`today` gives the day in UTC."""

    def __init__(self, database: Database, today: Callable[[], date]) -> None:
        self._database = database
        self._today = today
        self._documents: Counter[tuple[UUID, date]] = Counter()
        self._passages: Counter[Key] = Counter()
        self._stopping = asyncio.Event()

    def found(self, passages: Iterable[Passage]) -> None:
        """One search's results."""
        day = self._today()
        named = {(one.document_id, one.chunk_id, day) for one in passages}
        if len(self._passages) + len(named) > MOST_WAITING:
            DROPPED.inc(len(named))
            return
        self._passages.update(named)
        self._documents.update({(document_id, day) for document_id, _, day in named})

    async def cited(self, answer: CitedAnswer) -> None:
        """An answer's citations; told again, nothing."""
        async with self._database.transaction() as session:
            once = insert(CountedAnswerRow).values(message_id=answer.message_id).on_conflict_do_nothing()
            if await session.scalar(once.returning(CountedAnswerRow.message_id)) is None:
                return
            named = {(one.document_id, one.chunk_id, answer.day) for one in answer.passages}
            documents = {(document_id, day) for document_id, _, day in named}
            await _add(session, Counter(documents), Counter(named), "cited", answer.organization_id)

    async def write(self) -> None:
        """Writes what waits; what can't be written waits on."""
        if not self._passages:
            return
        documents, passages = self._documents, self._passages
        self._documents, self._passages = Counter(), Counter()
        try:
            async with self._database.transaction() as session:
                await _add(session, documents, passages, "found")
        except Exception as error:  # noqa: BLE001 - counting outlives a database that is away
            log.warning("use not written yet", error=str(error), waiting=len(passages))
            self._documents.update(documents)
            self._passages.update(passages)

    async def run(self) -> None:
        """Writes every second until `stop`, and once more."""
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), WRITE_EVERY_S)
            await self.write()

    def stop(self) -> None:
        self._stopping.set()


async def expire(database: Database, today: date, days: int) -> bool:
    """Deletes some of what is older than `days`; whether there may be more."""
    before = today - timedelta(days=days)
    full = False
    for table in (DocumentUseRow, PassageUseRow):
        async with database.transaction() as session:
            old = select(table.document_id, table.day).where(table.day < before).distinct().limit(BATCH).cte("old")
            gone = delete(table).where(table.document_id == old.c.document_id, table.day == old.c.day)
            count = len((await session.execute(gone.returning(table.day))).all())
        full = full or count >= BATCH
    async with database.transaction() as session:
        await session.execute(delete(CountedAnswerRow).where(CountedAnswerRow.counted_at < func.now() - ANSWERS_KEPT))
    return full


async def _add(
    session: AsyncSession,
    documents: Counter[tuple[UUID, date]],
    passages: Counter[Key],
    column: str,
    organization_id: UUID | None = None,
) -> None:
    """Adds to the day's rows of documents that still are, in one order, so that two writers never wait in a circle."""
    there: list[ColumnElement[bool]] = [DocumentRow.purged_at.is_(None)]
    if organization_id:
        there.append(DocumentRow.organization_id == organization_id)
    by_document = sorted((*key, count) for key, count in documents.items())
    by_passage = sorted((*key, count) for key, count in passages.items())
    for table, rows, names in (
        (DocumentUseRow, by_document, ("document_id", "day")),
        (PassageUseRow, by_passage, ("document_id", "chunk_id", "day")),
    ):
        types = {"document_id": UuidType(), "chunk_id": UuidType(), "day": Date()}
        arrays = [
            type_coerce(list(values), ARRAY(types[name]))
            for name, values in zip(names, zip(*rows, strict=True), strict=False)
        ]
        counts = type_coerce([row[-1] for row in rows], ARRAY(BIGINT))
        used = func.unnest(*arrays, counts).table_valued(*names, "times", name="used").render_derived()
        chosen = (
            select(*(used.c[name] for name in names), used.c.times)
            .join(DocumentRow, DocumentRow.id == used.c.document_id)
            .where(*there)
            .order_by(*(used.c[name] for name in names))
        )
        adding = insert(table).from_select([*names, column], chosen)
        total = {column: getattr(table, column) + adding.excluded[column]}
        await session.execute(adding.on_conflict_do_update(index_elements=names, set_=total))
