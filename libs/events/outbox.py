"""The transactional outbox: a message is written with the change it tells of, and delivered until it is accepted."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import DateTime, Integer, String, delete, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger

log = get_logger(__name__)

BATCH = 50
IDLE_S = 0.5
RETRY_MAX_S = 30

Deliver = Callable[[dict[str, Any]], Awaitable[None]]


class OutboxMixin:
    """The columns of a service's `outbox` table. `due_at` moves on with each failed attempt."""

    __tablename__ = "outbox"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    topic: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), index=True)


class OutboxRelay:
    """Delivers a service's outbox: at least once, so each receiver counts a message by its own id only once.

    A message is claimed by moving its due time ahead, so that no transaction spans the delivery and several processes
    share the work; it is deleted when its receiver has accepted it.
    """

    def __init__(self, database: Database, table: type[OutboxMixin], deliver: dict[str, Deliver]) -> None:
        self._database = database
        self._table = table
        self._deliver = deliver
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was just committed: don't wait for the next look."""
        self._wake.set()

    async def run(self) -> None:
        """Delivers until cancelled."""
        while True:
            try:
                busy = await self.deliver_due()
            except Exception as error:  # noqa: BLE001 - the relay outlives a database that is away
                log.warning("outbox unreadable", error=str(error))
                busy = 0
            if not busy:
                # Not wait_for: woken at the moment of its cancellation, it would go on.
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await self._wake.wait()
                self._wake.clear()

    async def deliver_due(self) -> int:
        """One round; returns how many messages were accepted."""
        async with self._database.transaction() as session:
            due = await self._claim(session)
        accepted = 0
        for message_id, topic, payload in due:
            try:
                await self._deliver[topic](payload)
            except Exception as error:  # noqa: BLE001 - whatever the receiver raises, the message waits for its next turn
                log.warning("outbox delivery failed", topic=topic, message_id=str(message_id), error=str(error))
                continue
            async with self._database.transaction() as session:
                await session.execute(delete(self._table).where(self._table.id == message_id))
            accepted += 1
        return accepted

    async def _claim(self, session: AsyncSession) -> list[tuple[UUID, str, dict[str, Any]]]:
        table = self._table
        ids = (
            select(table.id)
            .where(table.due_at <= func.now())
            .order_by(table.due_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        backoff_s = func.least(func.power(2, table.attempts + 1), RETRY_MAX_S)
        claimed = await session.execute(
            update(table)
            .where(table.id.in_(ids))
            .values(attempts=table.attempts + 1, due_at=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, backoff_s))
            .returning(table.id, table.topic, table.payload)
        )
        return [(row.id, row.topic, row.payload) for row in claimed]
