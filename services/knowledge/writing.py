"""Passages of claimed revisions, embedded and written to the index some at a time, before anything serves them."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from uuid import UUID, uuid5

from libs.clients.embedding import EmbeddedPassages
from libs.contracts.errors import FootnoteError, unavailable
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge import queue, repository
from services.knowledge.catching_up import attributes_of
from services.knowledge.chunking.chunks import Chunk
from services.knowledge.chunking.context import embedded_text, header_of
from services.knowledge.embedding_switch import indexes
from services.knowledge.embedding_switch.indexes import Writable, writable
from services.knowledge.embedding_switch.served_models import ServedModels, same_space
from services.knowledge.faults import WaitsFor, passes, waits_for
from services.knowledge.models import DocumentRow, RevisionRow
from services.knowledge.ports import Embedder, IndexedPassage, PassageIndex
from services.knowledge.queue import Claim

log = get_logger(__name__)

# Of a long document at a time: some 10 MB with its vectors, and half a minute on two cores.
WRITTEN_AT_ONCE = 1_024
# A turn's passages, most times.
EMBEDDED_AT_ONCE = 128
EMBED_TIMEOUT_S = 120.0
# How long a document that is half written waits for embedding to come back before all of it goes back to the queue.
PATIENCE_S = 120.0
PAUSE_S = 2.0


@dataclass(frozen=True)
class Prepared:
    """A revision that was read: what its passages will be once they are embedded."""

    revision: RevisionRow
    title: str
    text: str
    chunks: list[Chunk]
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class _Draft:
    """A passage that isn't embedded yet."""

    of: Prepared
    document: DocumentRow
    chunk: Chunk
    chunk_id: UUID


class SwitchedMeanwhileError(Exception):
    """The organisation's searches use another index by now than the one that was written to."""


class PassageWriter:
    """What it needs of memory and of one message doesn't grow with a document's length."""

    def __init__(self, database: Database, index: PassageIndex, embedder: Embedder, models: ServedModels) -> None:
        self._database = database
        self._index = index
        self._embedder = embedder
        self._models = models

    async def write(self, claim: Claim, prepared: Sequence[Prepared]) -> int | None:
        """Under the claim's versions, which nobody reads before they are published. Deleted documents are left out.

        Returns the number of the organisation's index that has them, None where there was nothing to write. Raises
        SwitchedMeanwhileError where a long document is given up half written, to be written to the other index.
        """
        async with self._database.transaction() as session:
            documents = await repository.living_documents(session, [one.revision.document_id for one in prepared])
        drafts = _drafts(prepared, documents)
        lost: set[UUID] = set()
        to: Writable | None = None
        while some := [*islice((one for one in drafts if one.of.revision.id not in lost), WRITTEN_AT_ONCE)]:
            await self._report(claim, some)
            begun = to is not None
            if to and await self._number_searched(claim.organization_id) != to.number:
                raise SwitchedMeanwhileError
            to = to or await writable(self._database, self._index, self._models, claim.organization_id)
            passages = [
                made
                for start in range(0, len(some), EMBEDDED_AT_ONCE)
                for made in await self._embedded(claim, some[start : start + EMBEDDED_AT_ONCE], to, patient=begun)
            ]
            # Again, for it took a while: nothing is written any more of what was deleted or is another worker's now.
            lost |= await self._lost(claim, some)
            await self._index.numbered(to.number).add(
                claim.organization_id,
                [passage for draft, passage in passages if draft.of.revision.id not in lost],
            )
        return to.number if to else None

    async def _number_searched(self, organization_id: UUID) -> int:
        async with self._database.transaction() as session:
            return (await indexes.serving(session, organization_id)).number

    async def _report(self, claim: Claim, drafts: Sequence[_Draft]) -> None:
        """How far the long documents are; a short one is done before anyone could look."""
        first = {one.of.revision.id: one for one in reversed(drafts) if len(one.of.chunks) > WRITTEN_AT_ONCE}
        if first:
            async with self._database.transaction() as session:
                for revision_id, one in first.items():
                    await queue.report(session, claim.lease, revision_id, one.chunk.index, len(one.of.chunks))

    async def _lost(self, claim: Claim, drafts: Sequence[_Draft]) -> set[UUID]:
        """The revisions that the lease doesn't hold any more."""
        revisions = {one.of.revision.id for one in drafts}
        async with self._database.transaction() as session:
            return revisions - await queue.still_held(session, claim.lease, revisions)

    async def _embedded(
        self, claim: Claim, drafts: Sequence[_Draft], to: Writable, *, patient: bool
    ) -> list[tuple[_Draft, IndexedPassage]]:
        texts = [embedded_text(draft.of.title, draft.chunk) for draft in drafts]
        until = time.monotonic() + (PATIENCE_S if patient else 0)
        waited = False
        while True:
            try:
                made = await self._embedder.embed_passages(texts, model=to.model, timeout_s=EMBED_TIMEOUT_S)
                if not same_space(made.space, to.space):
                    raise unavailable("embedding")
                break
            except FootnoteError as error:
                if time.monotonic() > until or not passes(error):
                    raise
                log.warning("embedding is away; a long document waits", reason=error.message)
                waited = True
                await self._say_wait(claim, waits_for(error))
                await asyncio.sleep(PAUSE_S)
        if waited:
            await self._say_wait(claim, None)
        return [(draft, _passage(claim, draft, made, row)) for row, draft in enumerate(drafts)]

    async def _say_wait(self, claim: Claim, reason: WaitsFor | None) -> None:
        with suppress(FootnoteError):
            async with self._database.transaction() as session:
                await queue.say_wait(session, claim.lease, reason)


def _drafts(prepared: Sequence[Prepared], documents: Mapping[UUID, DocumentRow]) -> Iterator[_Draft]:
    for one in prepared:
        document = documents.get(one.revision.document_id)
        if document is None:
            continue
        seen: Counter[str] = Counter()
        for chunk in one.chunks:
            # The same passage keeps its id in the next version; a second one of the same words has its own.
            occurrence = seen[chunk.content_hash]
            seen[chunk.content_hash] += 1
            yield _Draft(one, document, chunk, uuid5(document.id, f"{chunk.content_hash}:{occurrence}"))


def _passage(claim: Claim, draft: _Draft, made: EmbeddedPassages, row: int) -> IndexedPassage:
    revision, chunk = draft.of.revision, draft.chunk
    return IndexedPassage(
        chunk_id=draft.chunk_id,
        document_id=draft.document.id,
        version=queue.version_of(claim.lease, revision.id),
        position=chunk.index,
        header=header_of(draft.of.title, chunk.heading_path),
        table_header=chunk.table_header,
        content=chunk.text,
        heading_path=chunk.heading_path,
        page=chunk.page,
        start=chunk.start,
        end=chunk.end,
        token_count=chunk.token_count,
        attributes=attributes_of(revision, draft.document.owner_id),
        vector=made.vectors[row],
        tokens=made.tokens[row],
        model_revision=made.revision,
    )
