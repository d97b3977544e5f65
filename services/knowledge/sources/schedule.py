"""Which source is due, and whose turn it is: leased in the database, so that no two workers run one at once."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.knowledge.sources.models import SourceRow, SourceRunRow

RUNS_KEPT = 20


async def claim(session: AsyncSession, lease_s: float) -> SourceRow | None:
    """Leases the source that has been due for longest, of an organisation none of whose sources runs now."""
    other = aliased(SourceRow)
    running = select(other.id).where(other.organization_id == SourceRow.organization_id, other.lease_until > func.now())
    row = await session.scalar(
        select(SourceRow)
        .where(
            SourceRow.next_run_at <= func.now(),
            or_(SourceRow.lease_until.is_(None), SourceRow.lease_until < func.now()),
            ~running.exists(),
        )
        .order_by(SourceRow.next_run_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is not None:
        row.lease = uuid4()
        row.lease_until = await session.scalar(select(func.now() + timedelta(seconds=lease_s)))
    return row


async def extend(session: AsyncSession, lease: UUID, lease_s: float) -> bool:
    """False where the lease has been lost."""
    held = update(SourceRow).where(SourceRow.lease == lease).returning(SourceRow.id)
    return await session.scalar(held.values(lease_until=func.now() + timedelta(seconds=lease_s))) is not None


async def release(session: AsyncSession, lease: UUID) -> None:
    """Due as before."""
    await session.execute(update(SourceRow).where(SourceRow.lease == lease).values(lease=None, lease_until=None))


async def finish(session: AsyncSession, row: SourceRow, run: SourceRunRow) -> None:
    """Writes the run's report and when the next is due; nothing where the lease has been lost.

    What was asked for while it ran stays due.
    """
    current = await session.scalar(select(SourceRow).where(SourceRow.lease == row.lease).with_for_update())
    if current is None:
        return
    current.lease = current.lease_until = None
    if current.next_run_at == row.next_run_at:
        hours = current.interval_hours
        current.next_run_at = await _in_hours(session, hours) if hours else None
    session.add(run)
    await session.flush()
    kept = (
        select(SourceRunRow.id)
        .where(SourceRunRow.source_id == row.id)
        .order_by(SourceRunRow.finished_at.desc())
        .limit(RUNS_KEPT)
    )
    await session.execute(delete(SourceRunRow).where(SourceRunRow.source_id == row.id, SourceRunRow.id.not_in(kept)))


async def forget(session: AsyncSession, lease: UUID) -> None:
    """Ends a deleted source."""
    await session.execute(delete(SourceRow).where(SourceRow.lease == lease, SourceRow.deleted_at.is_not(None)))


async def _in_hours(session: AsyncSession, hours: int) -> datetime | None:
    return await session.scalar(select(func.now() + timedelta(hours=hours)))
