"""An organisation's glossary: managed by its owners and admins, read by its members, held by every next query."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import delete, func, insert, literal, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.glossary import (
    ENTRIES_MAX,
    GlossaryEntry,
    GlossaryEntryRequest,
    GlossaryList,
    GlossaryReplaced,
    GlossaryReplacement,
)
from libs.contracts.identity import Subject
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from libs.text.phrases import phrase_key
from services.knowledge import repository
from services.knowledge.glossary.models import GlossaryEntryRow, GlossaryPhraseRow

log = get_logger(__name__)


class Glossary:
    """Every change moves the organisation's knowledge version on, so that no cached search outlives it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, subject: Subject, request: GlossaryEntryRequest) -> GlossaryEntry:
        """Raises 409 for a term that has an entry, and past the bound."""
        row = _row(subject, request)
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            await _require_free(session, subject, request.term)
            count = select(func.count()).where(GlossaryEntryRow.organization_id == subject.organization_id)
            if (await session.scalar(count) or 0) >= ENTRIES_MAX:
                message = f"A glossary has at most {ENTRIES_MAX:,} entries. Delete one first."
                raise FootnoteError(ErrorCode.CONFLICT, message, 409)
            session.add(row)
            await _changed(session, subject, [row])
            await session.refresh(row)
        _audit(subject, "glossary.entry_added", entry_id=str(row.id))
        return _shown(row)

    async def page(self, subject: Subject, q: str | None, cursor: str | None, limit: int) -> GlossaryList:
        """By term; `q` is part of a term or of what it means."""
        row = GlossaryEntryRow
        query = select(row).where(row.organization_id == subject.organization_id)
        if q:
            part = q.replace("\x00", "")
            means = func.array_to_string(row.means, "\n")
            query = query.where(or_(row.term.icontains(part, autoescape=True), means.icontains(part, autoescape=True)))
        if cursor:
            query = query.where(row.folded_term > cursor.replace("\x00", ""))
        async with self._database.transaction() as session:
            rows = list(await session.scalars(query.order_by(row.folded_term).limit(limit + 1)))
        more = len(rows) > limit
        return GlossaryList(
            items=[_shown(one) for one in rows[:limit]], next_cursor=rows[limit - 1].folded_term if more else None
        )

    async def show(self, subject: Subject, entry_id: UUID) -> GlossaryEntry:
        async with self._database.transaction() as session:
            return _shown(await _find(session, subject, entry_id))

    async def change(self, subject: Subject, entry_id: UUID, request: GlossaryEntryRequest) -> GlossaryEntry:
        """Raises 404, and 409 for a term that has another entry."""
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            row = await _find(session, subject, entry_id)
            if row.folded_term != request.term.casefold():
                await _require_free(session, subject, request.term)
            row.term, row.folded_term = request.term, request.term.casefold()
            row.means, row.note, row.updated_at = request.means, request.note, func.now()
            await session.execute(delete(GlossaryPhraseRow).where(GlossaryPhraseRow.entry_id == entry_id))
            await _changed(session, subject, [row])
            await session.refresh(row)
        _audit(subject, "glossary.entry_changed", entry_id=str(entry_id))
        return _shown(row)

    async def delete(self, subject: Subject, entry_id: UUID) -> None:
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            await session.delete(await _find(session, subject, entry_id))
            await _changed(session, subject, [])
        _audit(subject, "glossary.entry_deleted", entry_id=str(entry_id))

    async def replace(self, subject: Subject, replacement: GlossaryReplacement) -> GlossaryReplaced:
        """All at once or nothing; the entry of a term that stays keeps its id."""
        mine = GlossaryEntryRow.organization_id == subject.organization_id
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            known = {row.folded_term: row for row in await session.scalars(select(GlossaryEntryRow).where(mine))}
            rows = [_row(subject, entry) for entry in replacement.entries]
            for row in rows:
                if row.folded_term in known:
                    row.id, row.created_at = known[row.folded_term].id, known[row.folded_term].created_at
            session.expunge_all()
            await session.execute(delete(GlossaryEntryRow).where(mine))
            session.add_all(rows)
            await _changed(session, subject, rows)
        _audit(subject, "glossary.replaced", entries=len(rows))
        return GlossaryReplaced(entries=len(rows))


def _row(subject: Subject, request: GlossaryEntryRequest) -> GlossaryEntryRow:
    return GlossaryEntryRow(
        id=uuid4(),
        organization_id=subject.organization_id,
        term=request.term,
        folded_term=request.term.casefold(),
        means=request.means,
        note=request.note,
    )


def _shown(row: GlossaryEntryRow) -> GlossaryEntry:
    return GlossaryEntry(
        entry_id=row.id,
        term=row.term,
        means=row.means,
        note=row.note,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def _find(session: AsyncSession, subject: Subject, entry_id: UUID) -> GlossaryEntryRow:
    row = await session.scalar(
        select(GlossaryEntryRow).where(
            GlossaryEntryRow.organization_id == subject.organization_id, GlossaryEntryRow.id == entry_id
        )
    )
    if row is None:
        raise not_found("glossary entry", entry_id)
    return row


async def _require_free(session: AsyncSession, subject: Subject, term: str) -> None:
    taken = select(GlossaryEntryRow.id).where(
        GlossaryEntryRow.organization_id == subject.organization_id, GlossaryEntryRow.folded_term == term.casefold()
    )
    if entry_id := await session.scalar(taken):
        raise FootnoteError(
            ErrorCode.CONFLICT,
            f"The term {term!r} has an entry already. Change that one.",
            409,
            {"fields": [{"field": "term", "message": "has an entry already"}], "entry_id": str(entry_id)},
        )


async def _changed(session: AsyncSession, subject: Subject, rows: Sequence[GlossaryEntryRow]) -> None:
    """Writes under which keys the rows are found, and moves the version on. Under `lock_organization`."""
    await session.flush()
    phrases = [
        (key, place, row.id)
        for row in rows
        for place, phrase in enumerate([row.term, *row.means])
        if (key := phrase_key(phrase))
    ]
    if phrases:
        # One statement: 40,000 rows one by one would hold the organisation's lock for seconds.
        columns = ("key", "place", "entry_id")
        arrays = [
            type_coerce(list(values), ARRAY(GlossaryPhraseRow.__table__.c[name].type))
            for name, values in zip(columns, zip(*phrases, strict=True), strict=True)
        ]
        told = func.unnest(*arrays).table_valued(*columns, name="told").render_derived()
        chosen = select(literal(subject.organization_id), *(told.c[name] for name in columns))
        await session.execute(insert(GlossaryPhraseRow).from_select(["organization_id", *columns], chosen))
    await repository.bump_knowledge_version(session, subject.organization_id)


def _audit(subject: Subject, action: str, **details: object) -> None:
    log.info(
        action,
        audit=True,
        organization_id=str(subject.organization_id),
        actor_id=str(subject.user_id),
        **details,
    )
