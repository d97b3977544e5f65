"""One turn of indexing: claimed revisions are parsed, cut, embedded, written, then published in one transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from libs.config.settings import Ingestion
from libs.contracts.errors import FootnoteError
from libs.stores.blobs import BlobStore
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge import publishing, queue, repository
from services.knowledge.catching_up import behind
from services.knowledge.chunking.chunks import chunk
from services.knowledge.chunking.units import TokenCounter
from services.knowledge.embedding_switch import indexes
from services.knowledge.embedding_switch.served_models import ServedModels
from services.knowledge.faults import WaitsFor, passes, waits_for
from services.knowledge.large_work import SMALL_BYTES, LargeWork
from services.knowledge.models import RevisionRow
from services.knowledge.parsing.dates import plausible
from services.knowledge.parsing.document import FailureCode, ParseFailure, ParseLimits
from services.knowledge.parsing.sandbox import Sandbox
from services.knowledge.ports import Embedder, PassageIndex
from services.knowledge.queue import Claim, Wait
from services.knowledge.writing import PassageWriter, Prepared, SwitchedMeanwhileError

log = get_logger(__name__)

# A turn is what other organisations wait for at most: a few seconds of embedding on two cores.
TURN_DOCUMENTS = 32
TURN_BYTES = 64_000
# A lease is renewed this many times before it would end.
RENEWALS = 3
# A document whose file can't be got at is tried again after this long, then twice as long, up to the longest. So is a
# turn's work when something was away that every document needs; that it is back is to be seen soon.
FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 60.0
LONGEST_AFTER_TURN_S = 16.0


@dataclass(frozen=True)
class Postponed:
    """A document that couldn't be got at, for a reason that isn't its own."""

    reason: str
    waits_for: WaitsFor


class Ingester:
    """Indexes what waits, turn by turn. Killed at any point it leaves a lease that ends, and rows never served.

    `largest_bytes` leaves longer documents to others; `large` is shared by the ingesters that take any.
    """

    def __init__(
        self,
        database: Database,
        index: PassageIndex,
        blobs: BlobStore,
        embedder: Embedder,
        sandbox: Sandbox,
        count_tokens: TokenCounter,
        settings: Ingestion,
        largest_bytes: int,
        large: LargeWork | None = None,
    ) -> None:
        self._database = database
        self._models = ServedModels(embedder)
        self._writer = PassageWriter(database, index, embedder, self._models)
        self._blobs = blobs
        self._sandbox = sandbox
        self._count_tokens = count_tokens
        self._settings = settings
        self._largest_bytes = largest_bytes
        self._large = large or LargeWork(slots=1)
        # Revisions by how often they were postponed; leases still to be released, by whether they were an attempt.
        self._postponed: dict[UUID, int] = {}
        self._owed: dict[UUID, tuple[bool, Wait | None]] = {}
        self._cut_short = 0
        self._limits = ParseLimits.of(settings.parse_memory_mb, settings.parse_timeout_s)

    async def turn(self) -> bool:
        """Indexes one batch of one organisation; false when nothing waits.

        Work that is cut short goes back to the queue at once. Raises what cut it short.
        """
        spaces = await self._spaces()
        await self._give_back()
        claim = await self._claim(spaces)
        if claim is None:
            return False
        renewing = asyncio.create_task(self._keep_lease(claim.lease))
        try:
            await self._index_claimed(claim)
        except SwitchedMeanwhileError:
            log.info("read again: the organisation's index was switched meanwhile")
            await self._release(claim, attempted=False)
        except BaseException as error:
            await asyncio.shield(self._release(claim, attempted=not passes(error), wait=self._wait_after(error)))
            raise
        finally:
            renewing.cancel()
            self._large.end(claim)
            # Its cancellation, and not one that comes for this turn meanwhile.
            await asyncio.wait([renewing])
        self._cut_short = 0
        return True

    def _wait_after(self, error: BaseException) -> Wait | None:
        reason = waits_for(error) if passes(error) else None
        if reason is None:
            return None
        self._cut_short += 1
        return Wait(reason, _wait_s(self._cut_short, LONGEST_AFTER_TURN_S))

    async def _claim(self, spaces: set[str] | None) -> Claim | None:
        async with self._large.claiming:
            async with self._database.transaction() as session:
                bounds = queue.SizeBounds(self._largest_bytes, SMALL_BYTES, self._large.crowding())
                claim = await queue.claim(session, self._settings.lease_s, TURN_DOCUMENTS, TURN_BYTES, bounds, spaces)
            if claim:
                self._large.begin(claim)
        return claim

    async def _index_claimed(self, claim: Claim) -> None:
        async with asyncio.TaskGroup() as reading:
            tasks = [reading.create_task(self._prepare(revision)) for revision in claim.revisions]
        outcomes = [task.result() for task in tasks]
        claim, outcomes = await self._without_postponed(claim, outcomes)
        if not claim.revisions:
            return
        prepared = [outcome for outcome in outcomes if isinstance(outcome, Prepared)]
        failures = {
            revision.id: outcome
            for revision, outcome in zip(claim.revisions, outcomes, strict=True)
            if isinstance(outcome, ParseFailure)
        }
        written_to = await self._writer.write(claim, prepared)
        await self._publish(claim, prepared, failures, written_to)

    async def _spaces(self) -> set[str] | None:
        """Of the served models; None while nobody says which are: what can be read may be, and may fail, meanwhile."""
        try:
            return (await self._models.known()).names_of_spaces()
        except FootnoteError:
            return None

    async def _without_postponed(
        self, claim: Claim, outcomes: Sequence[Prepared | ParseFailure | Postponed]
    ) -> tuple[Claim, list[Prepared | ParseFailure]]:
        """Puts back what couldn't be got at, to be tried again after longer and longer; returns the rest."""
        rest: list[RevisionRow] = []
        read: list[Prepared | ParseFailure] = []
        for revision, outcome in zip(claim.revisions, outcomes, strict=True):
            if isinstance(outcome, Postponed):
                tries = self._postponed[revision.id] = self._postponed.get(revision.id, 0) + 1
                wait = Wait(outcome.waits_for, _wait_s(tries, LONGEST_WAIT_S))
                reason = {"waits_for": wait.reason, "reason": outcome.reason}
                log.warning("document postponed", revision_id=str(revision.id), wait_s=wait.wait_s, **reason)
                async with self._database.transaction() as session:
                    await queue.postpone(session, claim.lease, revision.id, wait)
            else:
                self._postponed.pop(revision.id, None)
                rest.append(revision)
                read.append(outcome)
        return replace(claim, revisions=rest), read

    async def _prepare(self, revision: RevisionRow) -> Prepared | ParseFailure | Postponed:
        if revision.attempts > queue.MAX_ATTEMPTS:
            message = f"Reading it failed {queue.MAX_ATTEMPTS} times. Check the file, or send it differently."
            return ParseFailure(FailureCode.CRASHED, message)
        try:
            path = await self._blobs.local_path(revision.organization_id, revision.sha256)
            tenant = str(revision.organization_id)
            parsed = await self._sandbox.parse(path, revision.file_name, self._limits, tenant=tenant)
        except ParseFailure as failure:
            return failure
        except FileNotFoundError:
            return ParseFailure(FailureCode.CORRUPT, "The original file is gone from the store. Upload it again.")
        except Exception as error:
            reason = waits_for(error) if passes(error) else None
            if reason is None:
                raise
            return Postponed(f"{type(error).__name__}: {error}"[:500], reason)
        revision.content_language = parsed.language
        revision.content_date = plausible(parsed.date, revision.created_at) or revision.content_date
        chunks = await asyncio.to_thread(
            chunk,
            parsed,
            self._count_tokens,
            max_tokens=self._settings.max_chunk_tokens,
            overlap_tokens=self._settings.overlap_tokens,
        )
        title = revision.title or parsed.title or revision.file_name
        return Prepared(revision, title, parsed.text, chunks, parsed.warnings)

    async def _publish(
        self,
        claim: Claim,
        prepared: Sequence[Prepared],
        failures: dict[UUID, ParseFailure],
        written_to: int | None,
    ) -> None:
        """Makes what was written the served content, in one transaction.

        What the lease no longer holds, or whose document was deleted meanwhile, stays unserved and is swept. Raises
        SwitchedMeanwhileError where searches no longer use the index that it was written to.
        """
        read = {one.revision.id: one for one in prepared}
        async with self._database.transaction() as session:
            await repository.lock_organization(session, claim.organization_id)
            searched = await indexes.serving(session, claim.organization_id)
            if written_to is not None and searched.number != written_to:
                raise SwitchedMeanwhileError
            held = await queue.held(session, claim.lease, [revision.id for revision in claim.revisions])
            documents = await repository.living_documents(session, [row.document_id for row in held.values()])
            revisions = await repository.revisions_of_each(session, documents)
            texts: dict[UUID, str] = {}
            for revision in sorted(held.values(), key=lambda row: row.number):
                document = documents.get(revision.document_id)
                if document is None:
                    continue
                if revision.id in failures:
                    publishing.fail(revision, document, failures[revision.id])
                else:
                    publishing.serve(read[revision.id], revision, document)
                    texts[document.id] = read[revision.id].text
                    if publishing.said(read[revision.id].revision, document) != publishing.said(revision, document):
                        # Changed after it was claimed: its passages were written as they were before.
                        session.add(behind(document))
                await publishing.settle_others(session, revision, document, revisions[document.id])
            await repository.keep_texts(session, texts)
            await repository.bump_knowledge_version(session, claim.organization_id)

    async def _release(self, claim: Claim, *, attempted: bool, wait: Wait | None = None) -> None:
        self._owed[claim.lease] = attempted, wait
        await self._give_back()

    async def _give_back(self) -> None:
        """What the database was away for when it was to be released is released once it is back."""
        try:
            for lease, (attempted, wait) in list(self._owed.items()):
                async with self._database.transaction() as session:
                    await queue.release(session, lease, attempted=attempted, wait=wait)
                self._owed.pop(lease, None)
        except Exception as error:  # noqa: BLE001 - then the next turn or the lease's end does it
            log.warning("lease not released", error=str(error))

    async def _keep_lease(self, lease: UUID) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_s / RENEWALS)
            try:
                async with self._database.transaction() as session:
                    await queue.extend(session, lease, self._settings.lease_s)
            except Exception as error:  # noqa: BLE001 - a lease that can't be renewed ends, which is safe
                log.warning("lease not renewed", error=str(error))


def _wait_s(tries: int, longest: float) -> float:
    """In vain so far, at least once."""
    return min(FIRST_WAIT_S * 2 ** (tries - 1), longest)
