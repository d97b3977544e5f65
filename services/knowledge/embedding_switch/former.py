"""Indexes that searches no longer use: kept for switching back, for a while."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update

from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge import repository
from services.knowledge.embedding_switch.models import IndexRow
from services.knowledge.embedding_switch.served_models import ServedModels
from services.knowledge.ports import PassageIndex

log = get_logger(__name__)

# No search takes as long: one that began before the switch may still read.
READERS_FINISH = timedelta(seconds=30)


class FormerIndexes:
    """`kept_for` is how long one is kept after it was last used or worked on."""

    def __init__(self, database: Database, index: PassageIndex, models: ServedModels, kept_for: timedelta) -> None:
        self._database = database
        self._index = index
        self._models = models
        self._kept_for = kept_for

    async def forget(self) -> int:
        """Says of all that there are that they aren't kept any longer; returns how many. The worker deletes them.

        Raises FootnoteError while it isn't known which they are.
        """
        names = (await self._models.known()).names_of_default_space()
        former = and_(~IndexRow.serving, IndexRow.space.not_in(names), ~IndexRow.unwanted)
        async with self._database.transaction() as session:
            unwanted = await session.scalars(
                update(IndexRow).where(former).values(unwanted=True).returning(IndexRow.number)
            )
            return len(list(unwanted))

    async def drop(self) -> None:
        """Deletes those whose time is over; none while it isn't known which they are."""
        models = await self._models.settled()
        if models is None:
            return
        names = models.names_of_default_space()
        used_at = func.greatest(IndexRow.former_since, IndexRow.worked_at, IndexRow.created_at)
        over = and_(
            ~IndexRow.serving,
            IndexRow.space.not_in(names),
            used_at < func.now() - READERS_FINISH,
            or_(IndexRow.unwanted, used_at < func.now() - self._kept_for),
        )
        async with self._database.transaction() as session:
            found = (await session.execute(select(IndexRow.organization_id, IndexRow.number).where(over))).all()
        for organization_id, number in found:
            await self._drop(organization_id, number)

    async def _drop(self, organization_id: UUID, number: int) -> None:
        row = and_(IndexRow.organization_id == organization_id, IndexRow.number == number, ~IndexRow.serving)
        async with self._database.transaction() as session:
            await repository.lock_organization(session, organization_id)
            gone = (await session.execute(delete(IndexRow).where(row).returning(IndexRow.number))).first()
        if gone:
            # Killed here it leaves passages that no row names; the sweep deletes them.
            await self._index.numbered(number).drop(organization_id)
            log.info("former index deleted", organization_id=str(organization_id), index=number)
