"""What is left over: passages that nothing serves, purged documents, uploads that a crash cut in half."""

import time
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, delete, func, select

from libs.contracts.errors import FootnoteError
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge import repository
from services.knowledge.aftermath import give_up_document
from services.knowledge.embedding_switch import indexes
from services.knowledge.models import DocumentRow, OrganizationRow, RevisionRow
from services.knowledge.ports import PassageIndex
from services.knowledge.queue import version_of
from services.knowledge.search_cache import SearchCache
from services.knowledge.uploads import Uploads

log = get_logger(__name__)

BATCH = 100
# Longer than an upload usually waits for billing's answer; asking twice counts once.
HALF_ACCEPTED_AFTER = timedelta(seconds=10)
# No search takes as long.
READERS_FINISH = timedelta(seconds=30)
# All that was written since is rewritten, so that while documents come in, often would cost a good part of their time.
# What isn't in the structures yet is found all the same.
MAINTAIN_EVERY_S = 10.0


class Purger:
    """`bin_life` is how long a deleted document can be restored."""

    def __init__(
        self,
        database: Database,
        index: PassageIndex,
        uploads: Uploads,
        cache: SearchCache,
        bin_life: timedelta,
    ) -> None:
        self._database = database
        self._cache = cache
        self._bin_life = bin_life
        self._rewritten: dict[UUID, tuple[float, list[UUID]]] = {}
        self._index = index
        self._uploads = uploads
        self._clean: dict[UUID, int] = {}
        self._maintained: dict[UUID, float] = {}

    async def sweep_changed(self) -> None:
        """Sweeps every organisation whose knowledge changed since its last sweep; all of them the first time.

        The first sweep finds what a process that was killed left behind.
        """
        async with self._database.transaction() as session:
            rows = await session.execute(select(OrganizationRow.organization_id, OrganizationRow.knowledge_version))
            versions = {row.organization_id: row.knowledge_version for row in rows}
        for organization_id, version in versions.items():
            if self._clean.get(organization_id) != version:
                with _failing_alone("sweep", organization_id):
                    await self._sweep_and_maintain(organization_id, version)

    async def _sweep_and_maintain(self, organization_id: UUID, version: int) -> None:
        await self.sweep(organization_id)
        if time.monotonic() < self._maintained.get(organization_id, -MAINTAIN_EVERY_S) + MAINTAIN_EVERY_S:
            return
        for index in await self._indexes(organization_id):
            await index.maintain(organization_id)
        self._clean[organization_id], self._maintained[organization_id] = version, time.monotonic()

    async def sweep(self, organization_id: UUID) -> bool:
        """Removes passages that are neither kept nor being written; true where there were any."""
        await self._drop_unknown(organization_id)
        swept = [await self._sweep(organization_id, one) for one in await self._indexes(organization_id)]
        return any(swept)

    async def _indexes(self, organization_id: UUID) -> list[PassageIndex]:
        return await indexes.all_of(self._database, self._index, organization_id)

    async def _drop_unknown(self, organization_id: UUID) -> None:
        """What was given up by a process that was killed then. An index is entered before anything is stored in it."""
        stored = await self._index.numbers(organization_id)
        async with self._database.transaction() as session:
            known = {*await indexes.numbers(session, organization_id)}
            entered = (await indexes.serving(session, organization_id)).space is not None
        for number in sorted(stored - known) if entered else ():
            await self._index.numbered(number).drop(organization_id)

    async def _sweep(self, organization_id: UUID, index: PassageIndex) -> bool:
        indexed = await index.versions(organization_id)
        async with self._database.transaction() as session:
            # After the index was listed: whatever was being written then is in the queue or served by now. The queue
            # first: what is published between the two queries is then in both, never in neither.
            written = await session.execute(
                select(RevisionRow.lease, RevisionRow.id).where(
                    RevisionRow.organization_id == organization_id, RevisionRow.status == "processing"
                )
            )
            served = await session.scalars(
                select(DocumentRow.served_version).where(DocumentRow.organization_id == organization_id)
            )
            living = set(served) | {version_of(row.lease, row.id) for row in written if row.lease}
        left_over = sorted(indexed - living)
        await index.remove(organization_id, left_over)
        return bool(left_over)

    async def empty_bins(self) -> None:
        """Gives up the documents that have been in the bin for longer than it keeps them."""
        expired = and_(DocumentRow.deleted_at < func.now() - self._bin_life, DocumentRow.purged_at.is_(None))
        query = select(DocumentRow.id, DocumentRow.organization_id).where(expired).limit(BATCH)
        async with self._database.transaction() as session:
            found = (await session.execute(query)).all()
        for row in found:
            async with self._database.transaction() as session:
                await repository.lock_organization(session, row.organization_id)
                # Again, under the lock: it may have been restored.
                document = await session.scalar(select(DocumentRow).where(DocumentRow.id == row.id, expired))
                if document is not None:
                    await give_up_document(session, document)
                    await repository.bump_knowledge_version(session, row.organization_id)

    async def erase(self) -> None:
        """Of what was given up, no byte stays in the index or the cache; then the last row goes.

        In two steps, so that whoever is reading an older state can finish. A process that ends in between begins again.
        """
        query = select(DocumentRow.organization_id, DocumentRow.id).where(DocumentRow.purged_at.is_not(None))
        async with self._database.transaction() as session:
            purged: defaultdict[UUID, list[UUID]] = defaultdict(list)
            for row in await session.execute(query):
                purged[row.organization_id].append(row.id)
        for organization_id, documents in purged.items():
            if organization_id not in self._rewritten:
                with _failing_alone("rewrite", organization_id):
                    await self._rewrite(organization_id)
                    self._rewritten[organization_id] = (time.monotonic(), documents)
        latest = time.monotonic() - READERS_FINISH.total_seconds()
        finished: dict[UUID, list[UUID]] = {}
        for organization_id, (since, documents) in list(self._rewritten.items()):
            if since < latest:
                with _failing_alone("erase", organization_id):
                    if await self._forgotten(organization_id):
                        finished[organization_id] = documents
        if finished:
            await self._cache.forget_history()
        for organization_id, documents in finished.items():
            async with self._database.transaction() as session:
                await session.execute(delete(DocumentRow).where(DocumentRow.id.in_(documents)))
            del self._rewritten[organization_id]

    async def _rewrite(self, organization_id: UUID) -> None:
        await self.sweep(organization_id)
        for index in await self._indexes(organization_id):
            await index.rewrite(organization_id)
        async with self._database.transaction() as session:
            version = await repository.knowledge_version(session, organization_id)
        await self._cache.forget(organization_id, version)

    async def _forgotten(self, organization_id: UUID) -> bool:
        """False where a writer that didn't know of the purge yet came after the first sweep: all of it once more."""
        if await self.sweep(organization_id):
            del self._rewritten[organization_id]
            return False
        for index in await self._indexes(organization_id):
            await index.forget(organization_id, READERS_FINISH)
        return True

    async def finish_half_accepted(self) -> None:
        """Counts the storage of uploads whose process ended before it could, or that came while billing was away."""
        query = select(RevisionRow).where(
            RevisionRow.status == "accepting", RevisionRow.created_at < func.now() - HALF_ACCEPTED_AFTER
        )
        async with self._database.transaction() as session:
            half = list(await session.scalars(query.order_by(RevisionRow.created_at).limit(BATCH)))
        for revision in half:
            try:
                await self._uploads.finish(revision)
            except FootnoteError as error:
                log.warning("upload not counted yet", revision_id=str(revision.id), reason=error.message)
                return


@contextmanager
def _failing_alone(what: str, organization_id: UUID) -> Generator[None]:
    """One organisation's broken index is tried again the next time, and holds up no other's."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - see above
        reason = f"{type(error).__name__}: {error}"[:500]
        log.warning("upkeep failed", step=what, organization_id=str(organization_id), error=reason)
