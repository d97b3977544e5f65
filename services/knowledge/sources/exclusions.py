"""What a source no longer brings in, because somebody deleted its document here."""

from uuid import UUID

from sqlalchemy import delete, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.knowledge import SOURCE_PREFIX
from services.knowledge.models import DocumentRow
from services.knowledge.sources.models import SourceExclusionRow, SourceRow


async def exclude(session: AsyncSession, document: DocumentRow) -> None:
    """Nothing where the document is no source's, or its source is gone."""
    source_id = _source_of(document)
    if source_id is None:
        return
    living = select(SourceRow.id, literal(document.external_id)).where(
        SourceRow.id == source_id, SourceRow.organization_id == document.organization_id
    )
    names = [SourceExclusionRow.source_id, SourceExclusionRow.external_id]
    await session.execute(insert(SourceExclusionRow).from_select(names, living).on_conflict_do_nothing())


async def readmit(session: AsyncSession, document: DocumentRow) -> None:
    """The document is brought in step with its source again."""
    if source_id := _source_of(document):
        await session.execute(
            delete(SourceExclusionRow).where(
                SourceExclusionRow.source_id == source_id, SourceExclusionRow.external_id == document.external_id
            )
        )


async def excluded(session: AsyncSession, source_id: UUID) -> frozenset[str]:
    """The external ids."""
    query = select(SourceExclusionRow.external_id).where(SourceExclusionRow.source_id == source_id)
    return frozenset(await session.scalars(query))


def _source_of(document: DocumentRow) -> UUID | None:
    if not (document.external_id or "").startswith(SOURCE_PREFIX):
        return None
    try:
        return UUID((document.external_id or "").split(":", 2)[1])
    except ValueError:
        return None
