"""One turn of indexing: claimed revisions are parsed, cut, embedded, written, then published in one transaction."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID, uuid4, uuid5

import numpy as np
from numpy.typing import NDArray

from libs.config.settings import Ingestion
from libs.contracts.knowledge import DocumentStatus
from libs.stores.blobs import BlobStore
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge import queue, repository
from services.knowledge.access import readers_for
from services.knowledge.chunking.chunks import Chunk, chunk
from services.knowledge.chunking.units import TokenCounter
from services.knowledge.documents import give_up_storage
from services.knowledge.models import DocumentRow, RevisionRow
from services.knowledge.parsing.document import FailureCode, ParseFailure, ParseLimits
from services.knowledge.parsing.sandbox import Sandbox
from services.knowledge.ports import Embedder, IndexedPassage, PassageIndex

log = get_logger(__name__)

TURN_DOCUMENTS = 32
TURN_BYTES = 1_000_000
EMBED_TEXTS = 64
EMBED_TIMEOUT_S = 120.0
HEADER_SEPARATOR = " › "
TEXT_MAX_BYTES = 100_000_000
# A lease is renewed this many times before it would end.
RENEWALS = 3


@dataclass(frozen=True)
class Prepared:
    """A revision that was read: what its passages will be once they are embedded."""

    revision: RevisionRow
    title: str
    text_sha256: str
    chunks: list[Chunk]
    version: UUID

    def header(self, passage: Chunk) -> str:
        """The context that is embedded and searched with a passage: title, then headings not already in it."""
        parts = [self.title, *(heading for heading in passage.heading_path if heading != self.title)]
        return HEADER_SEPARATOR.join(parts)


class Ingester:
    """Indexes what waits, turn by turn. Killed at any point it leaves a lease that ends, and rows never served."""

    def __init__(
        self,
        database: Database,
        index: PassageIndex,
        blobs: BlobStore,
        embedder: Embedder,
        sandbox: Sandbox,
        count_tokens: TokenCounter,
        settings: Ingestion,
    ) -> None:
        self._database = database
        self._index = index
        self._blobs = blobs
        self._embedder = embedder
        self._sandbox = sandbox
        self._count_tokens = count_tokens
        self._settings = settings
        self._limits = ParseLimits(
            memory_bytes=settings.parse_memory_mb * 1_048_576,
            cpu_seconds=int(settings.parse_timeout_s),
            wall_seconds=settings.parse_timeout_s * 1.5,
        )

    async def turn(self) -> bool:
        """Indexes one batch of one organisation; false when nothing waits."""
        async with self._database.transaction() as session:
            claimed = await queue.claim(session, self._settings.lease_s, TURN_DOCUMENTS, TURN_BYTES)
        if claimed is None:
            return False
        lease, revisions = claimed
        renewing = asyncio.create_task(self._keep_lease(lease))
        try:
            await self._index_all(lease, revisions)
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
        return True

    async def _index_all(self, lease: UUID, revisions: Sequence[RevisionRow]) -> None:
        outcomes = await asyncio.gather(*(self._prepare(revision) for revision in revisions))
        prepared = [outcome for outcome in outcomes if isinstance(outcome, Prepared)]
        failures = {
            revision.id: outcome
            for revision, outcome in zip(revisions, outcomes, strict=True)
            if isinstance(outcome, ParseFailure)
        }
        documents = await self._documents([one.revision.document_id for one in prepared])
        living = [one for one in prepared if one.revision.document_id in documents]
        await self._write(living, documents)
        replaced = await self._publish(lease, living, failures, documents)
        if replaced:
            organization_id = revisions[0].organization_id
            await self._index.remove(
                organization_id, [one.revision.document_id for one in replaced], [one.version for one in replaced]
            )

    async def _prepare(self, revision: RevisionRow) -> Prepared | ParseFailure:
        if revision.attempts > queue.MAX_ATTEMPTS:
            message = (
                f"Reading it ended the program {queue.MAX_ATTEMPTS} times. Check the file, or send it differently."
            )
            return ParseFailure(FailureCode.CRASHED, message)
        path = await self._blobs.local_path(revision.organization_id, revision.sha256)
        try:
            parsed = await self._sandbox.parse(path, revision.file_name, self._limits)
        except ParseFailure as failure:
            return failure
        chunks = await asyncio.to_thread(
            chunk,
            parsed,
            self._count_tokens,
            max_tokens=self._settings.max_chunk_tokens,
            overlap_tokens=self._settings.overlap_tokens,
        )
        text_sha256, _ = await self._blobs.put(revision.organization_id, _once(parsed.text.encode()), TEXT_MAX_BYTES)
        title = revision.title or parsed.title or revision.file_name
        return Prepared(revision, title, text_sha256, chunks, uuid4())

    async def _write(self, prepared: Sequence[Prepared], documents: dict[UUID, DocumentRow]) -> None:
        texts = [f"{one.header(passage)}\n\n{passage.text}" for one in prepared for passage in one.chunks]
        vectors = iter(await self._embed(texts))
        passages = [
            passage for one in prepared for passage in _passages(one, documents[one.revision.document_id], vectors)
        ]
        if passages:
            await self._index.add(prepared[0].revision.organization_id, passages)

    async def _embed(self, texts: list[str]) -> list[NDArray[np.float32]]:
        rows: list[NDArray[np.float32]] = []
        for start in range(0, len(texts), EMBED_TEXTS):
            some = texts[start : start + EMBED_TEXTS]
            rows.extend(await self._embedder.embed(some, timeout_s=EMBED_TIMEOUT_S))
        return rows

    async def _documents(self, document_ids: list[UUID]) -> dict[UUID, DocumentRow]:
        async with self._database.transaction() as session:
            return await repository.living_documents(session, document_ids)

    async def _publish(
        self,
        lease: UUID,
        prepared: Sequence[Prepared],
        failures: dict[UUID, ParseFailure],
        documents: dict[UUID, DocumentRow],
    ) -> list[Prepared]:
        """Makes what was written the served content; returns what was published, whose older rows can go.

        Whatever the lease no longer holds, or whose document was deleted or opened to other readers meanwhile, isn't
        published here: the first two are settled elsewhere, the last is done again.
        """
        published: list[Prepared] = []
        ids = [one.revision.id for one in prepared] + list(failures)
        async with self._database.transaction() as session:
            held = await queue.held(session, lease, ids)
            current = await repository.living_documents(
                session, [row.document_id for row in held.values()], for_update=True
            )
            waiting = {one.revision.id: one for one in prepared}
            for revision in held.values():
                document = current.get(revision.document_id)
                if document is None:
                    revision.status = "superseded"
                    continue
                if revision.id in failures:
                    _fail(revision, document, failures[revision.id])
                    continue
                one = waiting[revision.id]
                if readers_for(document) != readers_for(documents[document.id]):
                    revision.status, revision.lease = "pending", None
                    continue
                for older in await repository.revisions_of(session, document.id):
                    if older.number < revision.number:
                        give_up_storage(session, older)
                await queue.supersede_older(session, revision)
                _serve(one, revision, document)
                published.append(one)
            for organization_id in {one.revision.organization_id for one in published}:
                await repository.bump_knowledge_version(session, organization_id)
        return published

    async def _keep_lease(self, lease: UUID) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_s / RENEWALS)
            try:
                async with self._database.transaction() as session:
                    await queue.extend(session, lease, self._settings.lease_s)
            except Exception as error:  # noqa: BLE001 - a lease that can't be renewed ends, which is safe
                log.warning("lease not renewed", error=str(error))


def _fail(revision: RevisionRow, document: DocumentRow, failure: ParseFailure) -> None:
    """The document keeps serving what it served before, if anything."""
    revision.status, revision.lease = "failed", None
    document.status = DocumentStatus.FAILED
    document.error_code, document.error_message = failure.code, failure.message


def _serve(one: Prepared, revision: RevisionRow, document: DocumentRow) -> None:
    revision.status, revision.lease = "completed", None
    document.title, document.category, document.tags = one.title, revision.category, revision.tags
    document.media_type, document.size_bytes = revision.media_type, revision.size_bytes
    document.served_version, document.served_text_sha256 = one.version, one.text_sha256
    document.chunk_count = len(one.chunks)
    document.status, document.error_code, document.error_message = DocumentStatus.COMPLETED, None, None


def _passages(one: Prepared, document: DocumentRow, vectors: Iterator[NDArray[np.float32]]) -> Iterator[IndexedPassage]:
    seen: Counter[str] = Counter()
    for passage in one.chunks:
        # The same passage keeps its id in the next version; a second one of the same words has its own.
        occurrence = seen[passage.content_hash]
        seen[passage.content_hash] += 1
        yield IndexedPassage(
            chunk_id=uuid5(document.id, f"{passage.content_hash}:{occurrence}"),
            document_id=document.id,
            version=one.version,
            position=passage.index,
            header=one.header(passage),
            content=passage.text,
            heading_path=passage.heading_path,
            page=passage.page,
            start=passage.start,
            end=passage.end,
            token_count=passage.token_count,
            readers=readers_for(document),
            category=one.revision.category,
            tags=tuple(one.revision.tags),
            created_at=document.created_at,
            vector=next(vectors),
        )


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
