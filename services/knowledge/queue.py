"""The revisions that wait to be indexed: claimed fairly, leased, fenced, and ended exactly once."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4, uuid5

from sqlalchemy import ColumnElement, SQLColumnExpression, Update, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.knowledge import DocumentStatus
from services.knowledge import repository
from services.knowledge.embedding_switch.models import IndexRow
from services.knowledge.faults import WaitsFor
from services.knowledge.models import DocumentRow, OrganizationRow, RevisionRow

MAX_ATTEMPTS = 3

_claimable = and_(
    or_(
        # With a time, it was postponed until then.
        and_(
            RevisionRow.status == "pending",
            or_(RevisionRow.lease_until.is_(None), RevisionRow.lease_until < func.now()),
        ),
        and_(RevisionRow.status == "processing", RevisionRow.lease_until < func.now()),
    ),
    # What lies in the bin waits there.
    exists().where(DocumentRow.id == RevisionRow.document_id, DocumentRow.deleted_at.is_(None)),
)


@dataclass(frozen=True)
class Claim:
    """`lease` fences its holder: whatever it doesn't hold any more, it can't end."""

    lease: UUID
    organization_id: UUID
    revisions: list[RevisionRow]


@dataclass(frozen=True)
class SizeBounds:
    """What may be claimed: up to `largest` bytes, of the `crowding` organisations only up to `small`."""

    largest: int
    small: int = 0
    crowding: Collection[UUID] = ()

    def hold(self) -> ColumnElement[bool]:
        bytes_of = RevisionRow.size_bytes
        return and_(
            bytes_of <= self.largest,
            or_(bytes_of <= self.small, RevisionRow.organization_id.not_in(self.crowding)),
        )


@dataclass(frozen=True)
class Wait:
    """What work waits for, and for how many seconds it isn't tried again."""

    reason: WaitsFor
    wait_s: float


def version_of(lease: UUID, revision_id: UUID) -> UUID:
    """The version that one attempt writes its passages under: no two attempts share one, so none sees another's."""
    return uuid5(lease, str(revision_id))


async def claim(
    session: AsyncSession,
    lease_s: float,
    most: int,
    most_bytes: int,
    bounds: SizeBounds,
    spaces: Collection[str] | None = None,
) -> Claim | None:
    """Leases the next revisions of the organisation that has waited longest for its turn; None when nothing waits.

    Together they have at most `most_bytes`, unless the first alone has more; each is within the bounds. One that was
    tried before goes alone, so that a document which ends the process takes no other with it. With `spaces` an
    organisation whose index is of another space waits until its index is switched.
    """
    organization_id = await _next_organization(session, bounds, spaces)
    if organization_id is None:
        return None
    candidates = await session.scalars(
        select(RevisionRow)
        .where(RevisionRow.organization_id == organization_id, _claimable, bounds.hold())
        .order_by(RevisionRow.attempts, RevisionRow.again, RevisionRow.created_at, RevisionRow.number)
        .limit(most)
        .with_for_update(skip_locked=True, of=RevisionRow)
    )
    chosen: list[RevisionRow] = []
    room = most_bytes
    for revision in candidates:
        room -= revision.size_bytes
        if chosen and (room < 0 or revision.attempts):
            break
        chosen.append(revision)
        if revision.attempts:
            break
    lease = uuid4()
    if any(revision.passages_total for revision in chosen):
        # What an earlier attempt wrote of a long one is to be swept.
        await repository.bump_knowledge_version(session, organization_id)
    for revision in chosen:
        revision.status, revision.lease, revision.attempts = "processing", lease, revision.attempts + 1
        revision.passages_done, revision.passages_total, revision.waits_for = 0, None, None
    await session.flush()
    await extend(session, lease, lease_s)
    await session.execute(
        update(DocumentRow)
        .where(
            DocumentRow.id.in_([revision.document_id for revision in chosen]),
            DocumentRow.status == DocumentStatus.PENDING,
        )
        .values(status=DocumentStatus.PROCESSING)
    )
    return Claim(lease, organization_id, chosen)


async def extend(session: AsyncSession, lease: UUID, lease_s: float) -> None:
    await session.execute(
        update(RevisionRow)
        .where(RevisionRow.lease == lease, RevisionRow.status == "processing")
        .values(lease_until=func.now() + timedelta(seconds=lease_s))
    )


async def report(session: AsyncSession, lease: UUID, revision_id: UUID, done: int, total: int) -> None:
    """How many of the revision's passages are written, if the lease still holds it."""
    await session.execute(
        update(RevisionRow)
        .where(RevisionRow.id == revision_id, RevisionRow.lease == lease, RevisionRow.status == "processing")
        .values(passages_done=done, passages_total=total, waits_for=None)
    )


async def say_wait(session: AsyncSession, lease: UUID, reason: WaitsFor | None) -> None:
    """That what the lease holds doesn't go on for that reason, or does again."""
    await session.execute(
        update(RevisionRow)
        .where(RevisionRow.lease == lease, RevisionRow.status == "processing")
        .values(waits_for=reason)
    )


async def say_unserved(session: AsyncSession, spaces: Collection[str]) -> None:
    """That what waits of an organisation does so for the model of its index, which is of none of the spaces.

    Of the others it isn't said any longer.
    """
    served = _served(RevisionRow.organization_id, spaces)
    for held_up, now, changed in (
        (~served, WaitsFor.MODEL, RevisionRow.waits_for.is_distinct_from(WaitsFor.MODEL)),
        (served, None, RevisionRow.waits_for == WaitsFor.MODEL),
    ):
        await session.execute(
            update(RevisionRow).where(RevisionRow.status == "pending", changed, held_up).values(waits_for=now)
        )


async def still_held(session: AsyncSession, lease: UUID, revision_ids: Iterable[UUID]) -> set[UUID]:
    """As `held`, without a lock: what is true now."""
    row = RevisionRow
    query = select(row.id).where(row.id.in_(revision_ids), row.lease == lease, row.status == "processing")
    return set(await session.scalars(query))


async def being_written(session: AsyncSession, organization_id: UUID) -> tuple[UUID, ...]:
    """The versions of long contents of which some passages are in the index already: nothing serves them yet."""
    row = RevisionRow
    query = select(row.lease, row.id).where(
        row.organization_id == organization_id, row.status == "processing", row.passages_total.is_not(None)
    )
    return tuple(version_of(lease, revision) for lease, revision in await session.execute(query) if lease)


async def release(session: AsyncSession, lease: UUID, *, attempted: bool, wait: Wait | None = None) -> None:
    """Back to the queue, at once where there is no `wait`.

    Not `attempted`: what stopped the work says nothing about the documents.
    """
    await session.execute(_put_back(lease, wait, attempts=0 if attempted else 1))


async def postpone(session: AsyncSession, lease: UUID, revision_id: UUID, wait: Wait) -> None:
    """One of several back to the queue for later: nothing about the document itself stopped the work."""
    await session.execute(_put_back(lease, wait, attempts=1).where(RevisionRow.id == revision_id))


def _put_back(lease: UUID, wait: Wait | None, attempts: int) -> Update:
    return (
        update(RevisionRow)
        .where(RevisionRow.lease == lease, RevisionRow.status == "processing")
        .values(
            status="pending",
            lease=None,
            lease_until=func.now() + timedelta(seconds=wait.wait_s) if wait else None,
            waits_for=wait.reason if wait else None,
            attempts=RevisionRow.attempts - attempts,
        )
    )


async def withdraw(session: AsyncSession, document_id: UUID) -> None:
    """Whoever works on the document's revisions doesn't hold them any more; they wait as if untouched."""
    await session.execute(
        update(RevisionRow)
        .where(RevisionRow.document_id == document_id, RevisionRow.status == "processing")
        .values(
            status="pending",
            lease=None,
            lease_until=None,
            waits_for=None,
            attempts=func.greatest(RevisionRow.attempts - 1, 0),
        )
    )


async def held(session: AsyncSession, lease: UUID, revision_ids: Sequence[UUID]) -> dict[UUID, RevisionRow]:
    """Those of the revisions that the lease still holds; another worker may have taken the rest."""
    rows = await session.scalars(
        select(RevisionRow)
        .where(RevisionRow.id.in_(revision_ids), RevisionRow.lease == lease, RevisionRow.status == "processing")
        .with_for_update()
    )
    return {row.id: row for row in rows}


async def busy(session: AsyncSession, spaces: Collection[str]) -> bool:
    """Whether any revision is being indexed or could be, now."""
    being_indexed = and_(RevisionRow.status == "processing", RevisionRow.lease_until >= func.now())
    waiting = select(RevisionRow.id).where(
        RevisionRow.organization_id == OrganizationRow.organization_id, or_(being_indexed, _claimable)
    )
    query = select(OrganizationRow.organization_id).where(waiting.exists(), _not_held_up(spaces)).limit(1)
    return await session.scalar(query) is not None


def _not_held_up(spaces: Collection[str] | None) -> ColumnElement[bool]:
    """No index of the organisation is about to be switched to, and the one in use is of one of the spaces."""
    organization_id = OrganizationRow.organization_id
    free = ~exists().where(IndexRow.organization_id == organization_id, IndexRow.uploads_wait_until > func.now())
    return free if spaces is None else and_(free, _served(organization_id, spaces))


def _served(organization_id: SQLColumnExpression[UUID], spaces: Collection[str]) -> ColumnElement[bool]:
    """The organisation's index that is searched, if there is one, is of one of the spaces."""
    return ~exists().where(IndexRow.organization_id == organization_id, IndexRow.serving, IndexRow.space.not_in(spaces))


async def _next_organization(session: AsyncSession, bounds: SizeBounds, spaces: Collection[str] | None) -> UUID | None:
    waiting = select(RevisionRow.id).where(
        RevisionRow.organization_id == OrganizationRow.organization_id,
        _claimable,
        bounds.hold(),
    )
    organization_id = await session.scalar(
        select(OrganizationRow.organization_id)
        .where(waiting.exists(), _not_held_up(spaces))
        .order_by(OrganizationRow.last_claimed_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if organization_id is not None:
        await session.execute(
            update(OrganizationRow)
            .where(OrganizationRow.organization_id == organization_id)
            .values(last_claimed_at=func.clock_timestamp())
        )
    return organization_id
