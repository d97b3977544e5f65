"""The revisions that wait to be indexed: claimed fairly, leased, fenced, and ended exactly once."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.knowledge import DocumentStatus
from services.knowledge.models import DocumentRow, OrganizationRow, RevisionRow

MAX_ATTEMPTS = 3

_claimable = or_(
    RevisionRow.status == "pending",
    and_(RevisionRow.status == "processing", RevisionRow.lease_until < func.now()),
)


async def claim(
    session: AsyncSession, lease_s: float, most: int, most_bytes: int
) -> tuple[UUID, list[RevisionRow]] | None:
    """Leases the next revisions of the organisation that has waited longest for its turn; None when nothing waits.

    Together they have at most `most_bytes`, unless the first alone has more. The lease's id fences its holder.
    """
    waiting = select(RevisionRow.id).where(RevisionRow.organization_id == OrganizationRow.organization_id, _claimable)
    turn = await session.scalar(
        select(OrganizationRow)
        .where(waiting.exists())
        .order_by(OrganizationRow.last_claimed_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if turn is None:
        return None
    await session.execute(
        update(OrganizationRow)
        .where(OrganizationRow.organization_id == turn.organization_id)
        .values(last_claimed_at=func.clock_timestamp())
    )
    candidates = await session.scalars(
        select(RevisionRow)
        .where(RevisionRow.organization_id == turn.organization_id, _claimable)
        .order_by(RevisionRow.created_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    chosen: list[RevisionRow] = []
    for revision in candidates:
        if chosen and sum(row.size_bytes for row in chosen) + revision.size_bytes > most_bytes:
            break
        # One revision of a document at a time, so that their order of publication is theirs.
        if revision.document_id not in {row.document_id for row in chosen}:
            chosen.append(revision)
    lease = uuid4()
    ids = [revision.id for revision in chosen]
    await session.execute(
        update(RevisionRow)
        .where(RevisionRow.id.in_(ids))
        .values(
            status="processing",
            attempts=RevisionRow.attempts + 1,
            lease=lease,
            lease_until=func.now() + timedelta(seconds=lease_s),
        )
    )
    await session.execute(
        update(DocumentRow)
        .where(
            DocumentRow.id.in_([revision.document_id for revision in chosen]),
            DocumentRow.status == DocumentStatus.PENDING,
        )
        .values(status=DocumentStatus.PROCESSING)
    )
    return lease, chosen


async def extend(session: AsyncSession, lease: UUID, lease_s: float) -> None:
    await session.execute(
        update(RevisionRow)
        .where(RevisionRow.lease == lease, RevisionRow.status == "processing")
        .values(lease_until=func.now() + timedelta(seconds=lease_s))
    )


async def held(session: AsyncSession, lease: UUID, revision_ids: Sequence[UUID]) -> dict[UUID, RevisionRow]:
    """Those of the revisions that the lease still holds, locked; another worker may have taken the rest."""
    rows = await session.scalars(
        select(RevisionRow)
        .where(RevisionRow.id.in_(revision_ids), RevisionRow.lease == lease, RevisionRow.status == "processing")
        .with_for_update()
    )
    return {row.id: row for row in rows}


async def supersede_older(session: AsyncSession, revision: RevisionRow) -> None:
    """What waits behind a newer content of the same document is no longer worth indexing."""
    await session.execute(
        update(RevisionRow)
        .where(
            RevisionRow.document_id == revision.document_id,
            RevisionRow.number < revision.number,
            RevisionRow.status.in_(("pending", "processing")),
        )
        .values(status="superseded", lease=None)
    )
