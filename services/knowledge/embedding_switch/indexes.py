"""Which index of an organisation is searched, and which others it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import unavailable
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.embedding_switch.models import IndexRow
from services.knowledge.embedding_switch.served_models import ServedModels, space_of_revision
from services.knowledge.models import OrganizationRow
from services.knowledge.ports import PassageIndex


@dataclass(frozen=True)
class Serving:
    """The index that searches use. Its `space` isn't known where it is from before spaces were kept, or isn't begun."""

    number: int = 0
    space: str | None = None


@dataclass(frozen=True)
class Writable:
    """Where an organisation's new passages go, and which model embeds them."""

    number: int
    space: str
    model: str


async def serving(session: AsyncSession, organization_id: UUID) -> Serving:
    row = (
        await session.execute(
            select(IndexRow.number, IndexRow.space).where(IndexRow.organization_id == organization_id, IndexRow.serving)
        )
    ).one_or_none()
    return Serving(row.number, row.space) if row else Serving()


async def numbers(session: AsyncSession, organization_id: UUID) -> Sequence[int]:
    """All of an organisation's indexes, the one that is searched first."""
    query = select(IndexRow.number).where(IndexRow.organization_id == organization_id)
    found = list(await session.scalars(query.order_by(IndexRow.serving.desc(), IndexRow.number)))
    return found or [Serving().number]


async def all_of(database: Database, index: PassageIndex, organization_id: UUID) -> list[PassageIndex]:
    """As `numbers`, to be written to."""
    async with database.transaction() as session:
        return [index.numbered(number) for number in await numbers(session, organization_id)]


async def begin(session: AsyncSession, organization_id: UUID, space: str, *, serving: bool, number: int = 0) -> None:
    """A new index of that space, numbered `number` at least. Under the organisation's lock; one that is there stays."""
    next_index = await session.scalar(
        select(OrganizationRow.next_index).where(OrganizationRow.organization_id == organization_id)
    )
    number = max(number, next_index or 0)
    values = {"organization_id": organization_id, "number": number, "space": space, "serving": serving}
    added = await session.execute(insert(IndexRow).values(values).on_conflict_do_nothing().returning(IndexRow.number))
    if added.first():
        await session.execute(
            update(OrganizationRow)
            .where(OrganizationRow.organization_id == organization_id)
            .values(next_index=number + 1)
        )


async def make_known(database: Database, index: PassageIndex, models: ServedModels, organization_id: UUID) -> Serving:
    """Begins an organisation's first index, or enters the one from before indexes were kept here.

    Its rows name the model that made it; one without rows could be of any, and gives way to the next. Raises
    FootnoteError where nobody says which models there are.
    """
    first = Serving().number
    known = await models.known()
    revision = await index.numbered(first).model_revision(organization_id)
    space, number = known.default.space, first
    if revision:
        space = space_of_revision(revision)
        made_by = known.of(space)
        space = made_by.space if made_by else space
    elif revision is not None:
        number = first + 1
    async with database.transaction() as session:
        await repository.lock_organization(session, organization_id)
        if (await serving(session, organization_id)).space is None:
            await begin(session, organization_id, space, serving=True, number=number)
        return await serving(session, organization_id)


async def writable(database: Database, index: PassageIndex, models: ServedModels, organization_id: UUID) -> Writable:
    """Raises FootnoteError while the model of the index that is searched isn't served."""
    async with database.transaction() as session:
        found = await serving(session, organization_id)
    if found.space is None:
        found = await make_known(database, index, models, organization_id)
    model = await models.of(found.space) if found.space else None
    if model is None:
        raise unavailable("embedding")
    return Writable(found.number, model.space, model.id)


async def switch(session: AsyncSession, organization_id: UUID, number: int) -> None:
    """Searches use that index from the end of this transaction on. Under the organisation's lock."""
    of_organization = IndexRow.organization_id == organization_id
    await session.execute(
        update(IndexRow).where(of_organization, IndexRow.serving).values(serving=False, former_since=func.now())
    )
    await session.execute(
        update(IndexRow)
        .where(of_organization, IndexRow.number == number)
        .values(serving=True, former_since=None, uploads_wait_until=None, holder=None, held_until=None)
    )
    await repository.bump_knowledge_version(session, organization_id)
