"""Indexes follow the embedding model: built in the background, batch by batch, and switched to when complete.

What an index lacks is found by looking at it, never remembered: a process that is killed at any step is followed by one
that sees what is there and goes on.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from libs.contracts.embedding import EmbeddingModelInfo
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge import queue, repository
from services.knowledge.embedding_switch import indexes, refused
from services.knowledge.embedding_switch.copying import PassageCopier, Survey
from services.knowledge.embedding_switch.models import IndexRow
from services.knowledge.embedding_switch.served_models import ModelList, ServedModels
from services.knowledge.models import DocumentRow
from services.knowledge.ports import Embedder, PassageIndex

log = get_logger(__name__)

# One request to embedding, about a second of two cores: what an upload waits for at most.
TURN_PASSAGES = 64
# While uploads are being indexed there is a turn this often: they are hardly slower, and the switch comes all the same.
BEHIND_UPLOADS_S = 5.0
# Between two foldings of what was written into the index's structures.
MAINTAIN_TURNS = 50
# The last passages are embedded while the organisation's own new uploads wait, since there might always be one more.
LAST_PASSAGES = 512
UPLOADS_WAIT_S = 15.0
SURVEYS_BEFORE_WAITING = 3
# Of the pace: how much the newest turn counts.
NEWEST = 0.3


@dataclass
class _Build:
    """What one worker knows of an index that it builds, and may forget."""

    survey: Survey
    surveys: int = 1
    turns: int = 0


@dataclass(frozen=True)
class _Claim:
    """`source` is the index that is searched, `target` the one of the model that new passages are embedded with."""

    organization_id: UUID
    source: int
    target: int


class IndexSwitcher:
    def __init__(
        self, database: Database, index: PassageIndex, embedder: Embedder, models: ServedModels, lease: timedelta
    ) -> None:
        self._database = database
        self._index = index
        self._models = models
        self._lease = lease
        self._copier = PassageCopier(database, embedder)
        self._builds: dict[_Claim, _Build] = {}
        self._worker = uuid4()
        self._last_turn: float | None = None
        self._pace: float | None = None

    async def follow_model(self) -> None:
        """Enters an index of the default model for each organisation that is searched by another's.

        Indexes from before spaces were kept are entered first. While that model isn't loaded nothing changes.
        """
        models = await self._models.settled()
        if models is None:
            return
        async with self._database.transaction() as session:
            unknown = list(await session.scalars(_without_index()))
        for organization_id in unknown:
            await indexes.make_known(self._database, self._index, self._models, organization_id)
        async with self._database.transaction() as session:
            others = list(await session.scalars(_without_index_of(models)))
            of_default = IndexRow.space.in_(models.names_of_default_space())
            await session.execute(update(IndexRow).where(of_default, IndexRow.unwanted).values(unwanted=False))
        for organization_id in others:
            async with self._database.transaction() as session:
                await repository.lock_organization(session, organization_id)
                await indexes.begin(session, organization_id, models.default.space, serving=False)
            log.info("index begun", organization_id=str(organization_id), model=models.default.id)

    async def turn(self) -> bool:
        """A batch of one organisation's passages, or its switch; false where nothing can be done now.

        Raises FootnoteError where passages can't be embedded.
        """
        async with self._database.transaction() as session:
            waiting = await session.scalar(select(IndexRow.number).where(~IndexRow.serving).limit(1))
        if waiting is None:
            return False
        models = await self._models.settled()
        if models is None:
            return False
        async with self._database.transaction() as session:
            if await self._uploads_first(session, models):
                return False
            claim = await self._claim(session, models)
        if claim is None:
            self._last_turn = None
            self._builds.clear()
            return False
        try:
            await self._work(claim, models.default)
        except BaseException:
            self._builds.pop(claim, None)
            raise
        return True

    async def _uploads_first(self, session: AsyncSession, models: ModelList) -> bool:
        recently = self._last_turn is not None and time.monotonic() - self._last_turn < BEHIND_UPLOADS_S
        return recently and await queue.busy(session, models.names_of_spaces())

    async def _claim(self, session: AsyncSession, models: ModelList) -> _Claim | None:
        """The index that has waited longest for its turn, of those that nobody else builds."""
        names = models.names_of_default_space()
        free = or_(IndexRow.holder == self._worker, IndexRow.held_until.is_(None), IndexRow.held_until < func.now())
        row = await session.scalar(
            select(IndexRow)
            .where(~IndexRow.serving, IndexRow.space.in_(names), free)
            .order_by(IndexRow.worked_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        row.holder, row.held_until = self._worker, func.now() + self._lease
        row.worked_at = func.clock_timestamp()
        searched = await indexes.serving(session, row.organization_id)
        return _Claim(row.organization_id, searched.number, row.number)

    async def _work(self, claim: _Claim, model: EmbeddingModelInfo) -> None:
        source, target = self._index.numbered(claim.source), self._index.numbered(claim.target)
        build = self._builds.get(claim)
        if build is None or not build.survey.missing:
            survey = await self._copier.survey(claim.organization_id, source, target)
            build = _Build(survey, build.surveys + 1 if build else 1)
            self._builds[claim] = build
            await self._report(claim, build, 0)
        if not build.survey.missing:
            await target.maintain(claim.organization_id)
            await refused.unwarn(self._database, claim.organization_id, model.id)
            if await self._switch(claim, build.survey.complete):
                del self._builds[claim]
            return
        if build.surveys >= SURVEYS_BEFORE_WAITING and build.survey.total - build.survey.done <= LAST_PASSAGES:
            await self._let_uploads_wait(claim)
        copied = await self._copier.copy(claim.organization_id, source, target, build.survey, model, TURN_PASSAGES)
        build.survey.done += copied.passages
        build.turns += 1
        self._keep_pace(copied.passages)
        await self._report(claim, build, copied.cut)
        if build.turns % MAINTAIN_TURNS == 0:
            await target.maintain(claim.organization_id)

    async def _switch(self, claim: _Claim, complete: set[UUID]) -> bool:
        """In one transaction, if the new index has every passage that is served at this moment."""
        served = select(DocumentRow.served_version).where(
            DocumentRow.organization_id == claim.organization_id, DocumentRow.served_version.is_not(None)
        )
        async with self._database.transaction() as session:
            await repository.lock_organization(session, claim.organization_id)
            searched = await indexes.serving(session, claim.organization_id)
            known = claim.target in await indexes.numbers(session, claim.organization_id)
            lacking = set(await session.scalars(served)) - complete
            if lacking or not known or searched.number != claim.source:
                return False
            await indexes.switch(session, claim.organization_id, claim.target)
        log.info("index switched", organization_id=str(claim.organization_id), index=claim.target)
        return True

    async def _let_uploads_wait(self, claim: _Claim) -> None:
        until = func.now() + timedelta(seconds=UPLOADS_WAIT_S)
        async with self._database.transaction() as session:
            await session.execute(update(IndexRow).where(*_row(claim)).values(uploads_wait_until=until))

    async def _report(self, claim: _Claim, build: _Build, cut: int) -> None:
        values = {
            "passages_done": build.survey.done,
            "passages_total": build.survey.total,
            "passages_cut": IndexRow.passages_cut + cut,
            "passages_a_second": self._pace,
        }
        async with self._database.transaction() as session:
            await session.execute(update(IndexRow).where(*_row(claim)).values(values))

    def _keep_pace(self, passages: int) -> None:
        now = time.monotonic()
        if self._last_turn is not None:
            newest = passages / max(now - self._last_turn, 1e-3)
            self._pace = newest if self._pace is None else self._pace + NEWEST * (newest - self._pace)
        self._last_turn = now


def _without_index() -> Select[UUID]:
    """The organisations that have passages of which no index is entered."""
    entered = select(IndexRow.number).where(IndexRow.organization_id == DocumentRow.organization_id)
    query = select(DocumentRow.organization_id).where(DocumentRow.served_version.is_not(None), ~entered.exists())
    return query.distinct()


def _without_index_of(models: ModelList) -> Select[UUID]:
    """The organisations that have an index, none of the default model's."""
    names = models.names_of_default_space()
    other = aliased(IndexRow)
    same = select(other.number).where(other.organization_id == IndexRow.organization_id, other.space.in_(names))
    return select(IndexRow.organization_id).where(IndexRow.serving, ~same.exists())


def _row(claim: _Claim) -> tuple[ColumnElement[bool], ...]:
    return IndexRow.organization_id == claim.organization_id, IndexRow.number == claim.target
