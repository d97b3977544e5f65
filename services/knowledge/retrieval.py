"""From a question to the passages that its reader may see: lexical and vector in parallel, rechecked, fused.

The recheck comes before the fusion, so that ranks and traces are made of nothing but what the reader may see.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from libs.config.settings import Retrieval
from libs.contracts.errors import FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import Location, RetrievedPassage, SearchFilters, SearchScores, Strategy
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.fusion import Fused, fuse
from services.knowledge.ports import Embedder, FoundPassage, PassageIndex, Scope
from services.knowledge.repository import ServedDocument

Mode = Literal["lexical", "vector", "hybrid"]
GroupBy = Literal["passage", "document"]
Vector = NDArray[np.float32]

LEXICAL: Mode = "lexical"
VECTOR: Mode = "vector"
EMBED_TIMEOUT_S = 5.0
# A list that is too short for the question is fetched again, deeper, and so is one that a change overtook.
FETCHES = 5
DEEPER_FACTOR = 4


@dataclass(frozen=True)
class Found:
    """`trace` tells each step; `degraded` names what didn't work as configured.

    `knowledge_version` was the organisation's when the search began: what was found is at least as new.
    """

    passages: list[RetrievedPassage]
    strategy_used: Mode
    degraded: list[str]
    knowledge_version: int
    trace: list[dict[str, Any]]


@dataclass
class _Search:
    """One retrieval under way; `lists` holds, per search, what the reader may see, best first."""

    subject: Subject
    query: str
    scope: Scope
    mode: Mode
    vector: Vector | None = None
    lists: dict[Mode, list[FoundPassage]] = field(default_factory=dict[Mode, list[FoundPassage]])
    documents: dict[UUID, ServedDocument] = field(default_factory=dict[UUID, ServedDocument])
    knowledge_version: int = 0
    exhausted: bool = False
    overtaken: bool = False
    trace: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def used(self) -> Mode:
        alone: list[Mode] = [*self.lists]
        return "hybrid" if len(alone) > 1 else alone[0]


class Retriever:
    def __init__(self, database: Database, index: PassageIndex, embedder: Embedder, settings: Retrieval) -> None:
        self._database = database
        self._index = index
        self._embedder = embedder
        self._settings = settings

    async def retrieve(
        self,
        subject: Subject,
        query: str,
        strategy: Strategy,
        top_k: int,
        filters: SearchFilters | None,
        group_by: GroupBy = "passage",
    ) -> Found:
        """The best `top_k` passages, or the best passage of each of the best `top_k` documents.

        While embedding is away every strategy is lexical, and `degraded` says so. A single search's passages are
        scored by it (BM25, cosine), fused ones by reciprocal rank fusion.
        """
        scope = Scope(subject.organization_id, (), filters)
        search = _Search(subject, query, scope, mode="hybrid" if strategy == "auto" else strategy)
        search.trace.append({"step": "analyse", "strategy": strategy, "searches": search.mode})
        depth = max(self._settings.candidates, top_k * 2)
        ranked: list[Fused[UUID]] = []
        for _ in range(FETCHES):
            await self._fetch(search, depth)
            await self._recheck(search)
            ranked = self._ranked(search, group_by)
            if search.overtaken:
                continue
            if len(ranked) >= top_k or search.exhausted:
                break
            depth *= DEEPER_FACTOR
        passages = _passages(search, ranked[:top_k])
        degraded = ["embedding"] if search.used != search.mode else []
        return Found(passages, search.used, degraded, search.knowledge_version, search.trace)

    async def _fetch(self, search: _Search, depth: int) -> None:
        async with self._database.transaction() as session:
            search.knowledge_version = await repository.knowledge_version(session, search.scope.organization_id)
            # After the version: a collection that was opened since then is at most too new for it.
            search.scope = replace(search.scope, readers=await repository.reader_names(session, search.subject))
        lexical = asyncio.create_task(self._lexical(search, depth)) if search.mode != VECTOR else None
        try:
            similar = await self._similar(search, depth) if search.mode != LEXICAL else None
            words = await lexical if lexical else None
        finally:
            if lexical:
                lexical.cancel()
        if words is None and similar is None:
            words = await self._lexical(search, depth)
        lists: dict[Mode, list[FoundPassage] | None] = {LEXICAL: words, VECTOR: similar}
        search.lists = {name: found for name, found in lists.items() if found is not None}
        search.exhausted = all(len(found) < depth for found in search.lists.values())

    async def _lexical(self, search: _Search, depth: int) -> list[FoundPassage]:
        started = time.perf_counter()
        found = await self._index.lexical(search.scope, search.query, depth)
        search.trace.append({"step": "lexical", "ms": _ms(started), "depth": depth})
        return found

    async def _similar(self, search: _Search, depth: int) -> list[FoundPassage] | None:
        """None where the query can't be embedded."""
        vector = search.vector
        if vector is None:
            started = time.perf_counter()
            try:
                vector = (await self._embedder.embed([search.query], timeout_s=EMBED_TIMEOUT_S))[0]
            except FootnoteError as error:
                search.trace.append({"step": "embed", "ms": _ms(started), "failed": error.code})
                return None
            search.vector = vector
            search.trace.append({"step": "embed", "ms": _ms(started)})
        started = time.perf_counter()
        found = await self._index.similar(search.scope, vector, depth)
        search.trace.append({"step": "vector", "ms": _ms(started), "depth": depth})
        return found

    async def _recheck(self, search: _Search) -> None:
        """Drops what the system of record doesn't serve this reader now.

        A content that was replaced since the search began may be missing in both forms: then the search is overtaken.
        """
        started = time.perf_counter()
        named = {passage.document_id for found in search.lists.values() for passage in found}
        async with self._database.transaction() as session:
            search.documents = await repository.served_documents(session, search.subject, named)
            # After the documents: a change that these rows show is one that this number shows.
            version = await repository.knowledge_version(session, search.scope.organization_id)
        replaced = False
        for name, found in search.lists.items():
            readable = [one for one in found if one.document_id in search.documents]
            served = [one for one in readable if one.version == search.documents[one.document_id].version]
            replaced = replaced or len(served) < len(readable)
            search.lists[name] = served
        search.overtaken = replaced and version != search.knowledge_version
        counts = {name: len(found) for name, found in search.lists.items()}
        search.trace.append({"step": "recheck", "ms": _ms(started), **counts})

    def _ranked(self, search: _Search, group_by: GroupBy) -> list[Fused[UUID]]:
        started = time.perf_counter()
        document_of = {one.chunk_id: one.document_id for found in search.lists.values() for one in found}
        fused = fuse(
            {name: [one.chunk_id for one in found] for name, found in search.lists.items()}, self._settings.rrf_k
        )
        considered = [
            {
                "chunk_id": str(one.item),
                "document_id": str(document_of[one.item]),
                **{f"{name}_rank": rank for name, rank in one.ranks.items()},
                "fused": one.score,
            }
            for one in fused[: self._settings.candidates]
        ]
        if group_by == "document":
            best = {document_of[one.item]: one for one in reversed(fused)}
            fused = [one for one in fused if best[document_of[one.item]] is one]
        search.trace.append({"step": "fuse", "ms": _ms(started), "passages": considered})
        return fused


def _passages(search: _Search, ranked: Sequence[Fused[UUID]]) -> list[RetrievedPassage]:
    lexical = {one.chunk_id: one for one in search.lists.get(LEXICAL, [])}
    similar = {one.chunk_id: one for one in search.lists.get(VECTOR, [])}
    passages: list[RetrievedPassage] = []
    for one in ranked:
        in_lexical, in_similar = lexical.get(one.item), similar.get(one.item)
        passage = in_similar or lexical[one.item]
        document = search.documents[passage.document_id]
        passages.append(
            RetrievedPassage(
                document_id=document.id,
                external_id=document.external_id,
                chunk_id=passage.chunk_id,
                title=document.title,
                content=passage.content,
                score=one.score if search.used == "hybrid" else passage.score,
                location=location_of(passage),
                scores=SearchScores(
                    lexical_rank=one.ranks.get(LEXICAL),
                    lexical_score=in_lexical.score if in_lexical else None,
                    vector_rank=one.ranks.get(VECTOR),
                    vector_score=in_similar.score if in_similar else None,
                    fused=one.score,
                ),
                token_count=passage.token_count,
                similarity=_similarity(passage, search.vector),
            )
        )
    return passages


def _similarity(passage: FoundPassage, query: Vector | None) -> float | None:
    """The cosine, also for a passage that only its words brought here."""
    if query is None or passage.vector is None:
        return None
    return float(np.dot(passage.vector, query))


def location_of(passage: FoundPassage) -> Location:
    return Location(page=passage.page, heading_path=list(passage.heading_path), start=passage.start, end=passage.end)


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
