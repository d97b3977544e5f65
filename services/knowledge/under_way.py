"""How far the contents are that aren't indexed yet, and what they wait for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.knowledge import DocumentStatus, Progress, Waiting
from services.knowledge.faults import WaitsFor
from services.knowledge.large_work import SMALL_BYTES
from services.knowledge.models import DocumentRow, RevisionRow

# An upload usually waits less for billing's answer.
COUNTED_AFTER = timedelta(seconds=10)
MESSAGES = {
    WaitsFor.FILES: "The store of original files is away.",
    WaitsFor.DISK: "The server's disk is full.",
    WaitsFor.EMBEDDING: "The embedding service is away.",
    WaitsFor.ROOM: "The embedding service has too much to do.",
    WaitsFor.MODEL: "The embedding model that the organisation is searched with isn't served.",
    WaitsFor.STORE: "A store or a disk of the server fails.",
    WaitsFor.BILLING: "The billing service hasn't counted it yet.",
    WaitsFor.TURN: "Another large document of the organisation is being read.",
}


@dataclass(frozen=True)
class UnderWay:
    progress: Progress | None = None
    waiting: Waiting | None = None


NOTHING = UnderWay()


async def under_way(session: AsyncSession, documents: Sequence[DocumentRow]) -> dict[UUID, UnderWay]:
    """By document id, of those for which there is something to say."""
    unfinished = (DocumentStatus.PENDING, DocumentStatus.PROCESSING)
    ids = [document.id for document in documents if document.status in unfinished and not document.deleted_at]
    if not ids:
        return {}
    now = datetime.now(UTC)
    # Of most there is nothing to say, and clients ask for many again and again.
    row = RevisionRow
    telling = or_(
        and_(
            row.status.in_(["pending", "processing"]), or_(row.waits_for.is_not(None), row.passages_total.is_not(None))
        ),
        and_(row.status == "pending", row.size_bytes > SMALL_BYTES),
        and_(row.status == "accepting", row.created_at < now - COUNTED_AFTER),
    )
    contents = select(row).where(row.document_id.in_(ids), telling).order_by(row.number)
    revisions = list(await session.scalars(contents))
    crowded = await _with_large_work(session, revisions)
    found: dict[UUID, UnderWay] = {}
    for revision in revisions:
        # The newest content of which there is something to say.
        waiting = _waiting(revision, now, in_turn=revision.organization_id in crowded)
        if waiting or _progress(revision):
            found[revision.document_id] = UnderWay(_progress(revision), waiting)
    return found


def _progress(revision: RevisionRow) -> Progress | None:
    if revision.status != "processing" or not revision.passages_total:
        return None
    return Progress(done=revision.passages_done, total=revision.passages_total)


def _waiting(revision: RevisionRow, now: datetime, *, in_turn: bool) -> Waiting | None:
    code, until = revision.waits_for, None
    if revision.status == "accepting" and revision.created_at < now - COUNTED_AFTER:
        code = WaitsFor.BILLING
    elif revision.status == "pending" and code:
        until = revision.lease_until if revision.lease_until and revision.lease_until > now else None
    elif _is_large(revision) and revision.status == "pending" and in_turn:
        code = WaitsFor.TURN
    # A code of a newer version's isn't known here.
    message = MESSAGES.get(WaitsFor(code)) if code in set(WaitsFor) else None
    return Waiting(code=str(code), message=message, until=until) if message else None


async def _with_large_work(session: AsyncSession, revisions: Sequence[RevisionRow]) -> set[UUID]:
    """Of the organisations of large contents that wait, those of which another is being read."""
    asking = {row.organization_id for row in revisions if row.status == "pending" and _is_large(row)}
    if not asking:
        return set()
    read = select(RevisionRow.organization_id).where(
        RevisionRow.organization_id.in_(asking),
        RevisionRow.status == "processing",
        RevisionRow.lease_until >= func.now(),
        RevisionRow.size_bytes > SMALL_BYTES,
    )
    return set(await session.scalars(read.distinct()))


def _is_large(revision: RevisionRow) -> bool:
    return revision.size_bytes > SMALL_BYTES
