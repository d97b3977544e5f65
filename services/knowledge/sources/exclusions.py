"""What a source no longer brings in, because somebody deleted its document here."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.knowledge import SOURCE_PREFIX
from services.knowledge.models import DocumentRow
from services.knowledge.sources.models import SourceExclusionRow, SourceRow


class StaysDeletedError(Exception):
    """Somebody deleted the document while its source was being visited."""


async def exclude(session: AsyncSession, document: DocumentRow) -> None:
    """Nothing where the document is no source's, or its source is gone."""
    source_id = _source_of(document.external_id)
    if source_id is None:
        return
    living = select(SourceRow.id, literal(document.external_id)).where(
        SourceRow.id == source_id, SourceRow.organization_id == document.organization_id
    )
    names = [SourceExclusionRow.source_id, SourceExclusionRow.external_id]
    await session.execute(insert(SourceExclusionRow).from_select(names, living).on_conflict_do_nothing())


async def readmit(session: AsyncSession, document: DocumentRow) -> None:
    """The document is brought in step with its source again."""
    if source_id := _source_of(document.external_id):
        await session.execute(
            delete(SourceExclusionRow).where(
                SourceExclusionRow.source_id == source_id, SourceExclusionRow.external_id == document.external_id
            )
        )


async def excluded(session: AsyncSession, source_id: UUID) -> frozenset[str]:
    """The external ids."""
    query = select(SourceExclusionRow.external_id).where(SourceExclusionRow.source_id == source_id)
    return frozenset(await session.scalars(query))


async def require_admitted(session: AsyncSession, external_ids: Iterable[str]) -> None:
    """Under the organisation's lock, as every deletion. Raises StaysDeletedError for a name that is excluded."""
    of_sources = [(source_id, name) for name in external_ids if (source_id := _source_of(name))]
    if of_sources:
        named = tuple_(SourceExclusionRow.source_id, SourceExclusionRow.external_id).in_(of_sources)
        if external_id := await session.scalar(select(SourceExclusionRow.external_id).where(named).limit(1)):
            raise StaysDeletedError(external_id)


def _source_of(external_id: str | None) -> UUID | None:
    if not (external_id or "").startswith(SOURCE_PREFIX):
        return None
    try:
        return UUID((external_id or "").split(":", 2)[1])
    except ValueError:
        return None
