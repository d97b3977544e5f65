"""Security events: noted while an answer is made, kept with it, read by admins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, func, insert, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.identity import Subject
from libs.contracts.safety import SecurityEvent, SecurityEventKind
from services.chat.conversations.cursors import cursor_of, parts_of
from services.chat.models import SecurityEventRow

PURGED_AT_ONCE = 1_000


@dataclass(frozen=True)
class Noted:
    """Something that happened while an answer was made; `details` never hold what anybody wrote."""

    kind: SecurityEventKind
    details: Mapping[str, Any]
    document_id: UUID | None = None
    chunk_id: UUID | None = None


class SecurityEventRepository:
    """The queries of one transaction, for one person of one organisation."""

    def __init__(self, session: AsyncSession, subject: Subject) -> None:
        self._session = session
        self._subject = subject

    async def add(self, message_id: UUID, noted: Iterable[Noted]) -> None:
        """A passage that is met again on the same day counts up its event: one poisoned page makes no flood.

        Passages come in one order, so that two answers from the same ones never wait for each other in a circle.
        """
        for one in sorted(noted, key=lambda one: (one.kind, str(one.chunk_id))):
            await self._add(message_id, one)

    async def _add(self, message_id: UUID, noted: Noted) -> None:
        values = {
            "id": uuid4(),
            "organization_id": self._subject.organization_id,
            "user_id": self._subject.user_id,
            "kind": noted.kind,
            "message_id": message_id,
            "document_id": noted.document_id,
            "chunk_id": noted.chunk_id,
            "day": func.current_date(),
            "details": dict(noted.details),
        }
        if noted.chunk_id is None:
            await self._session.execute(insert(SecurityEventRow).values(**values))
            return
        again = {"user_id": self._subject.user_id, "message_id": message_id, "details": values["details"]}
        await self._session.execute(
            upsert(SecurityEventRow)
            .values(**values)
            .on_conflict_do_update(
                index_elements=["organization_id", "kind", "chunk_id", "day"],
                index_where=SecurityEventRow.chunk_id.is_not(None),
                set_={**again, "times": SecurityEventRow.times + 1},
            )
        )

    async def page(
        self, kind: SecurityEventKind | None, limit: int, cursor: str | None
    ) -> tuple[list[SecurityEvent], str | None]:
        """The organisation's, the latest first. For its admins."""
        place = (SecurityEventRow.updated_at, SecurityEventRow.id)
        query = select(SecurityEventRow).where(SecurityEventRow.organization_id == self._subject.organization_id)
        if kind:
            query = query.where(SecurityEventRow.kind == kind)
        if cursor:
            query = query.where(tuple_(*place) < tuple_(*parts_of(cursor, 2)))
        rows = (await self._session.scalars(query.order_by(*(one.desc() for one in place)).limit(limit + 1))).all()
        last = rows[limit - 1] if len(rows) > limit else None
        next_cursor = cursor_of(last.updated_at.isoformat(), str(last.id)) if last else None
        return [_shown(row) for row in rows[:limit]], next_cursor


async def purge_events(session: AsyncSession, older_than: timedelta) -> int:
    """Deletes what has been kept for its time, some at a time; returns how many. For all organisations."""
    old = (
        select(SecurityEventRow.id)
        .where(SecurityEventRow.updated_at < func.now() - older_than)
        .limit(PURGED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    purged = await session.scalars(
        delete(SecurityEventRow).where(SecurityEventRow.id.in_(old)).returning(SecurityEventRow.id)
    )
    return len(purged.all())


def _shown(row: SecurityEventRow) -> SecurityEvent:
    return SecurityEvent(
        id=row.id,
        kind=SecurityEventKind(row.kind),
        user_id=row.user_id,
        message_id=row.message_id,
        document_id=row.document_id,
        chunk_id=row.chunk_id,
        times=row.times,
        first_at=row.created_at,
        last_at=row.updated_at,
        details=row.details,
    )
