"""From a question to the passages that its reader may see: lexical and vector in parallel, fused, rechecked."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
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
from services.knowledge.access import readers_of
from services.knowledge.fusion import Fused, fuse
from services.knowledge.models import DocumentRow
from services.knowledge.ports import Embedder, FoundPassage, PassageIndex, Scope

Mode = Literal["lexical", "vector", "hybrid"]

LEXICAL = "lexical"
VECTOR = "vector"
EMBED_TIMEOUT_S = 5.0
# A list that lost passages to the recheck is fetched again, deeper, at most this often.
DEEPER_FETCHES = 3
DEEPER_FACTOR = 4


@dataclass(frozen=True)
class Found:
    """`trace` tells each step; `degraded` names what didn't work as configured."""

    passages: list[RetrievedPassage]
    strategy_used: Mode
    degraded: list[str]
    knowledge_version: int
    trace: list[dict[str, Any]]


@dataclass
class _Search:
    """One retrieval under way."""

    lists: dict[str, list[FoundPassage]] = field(default_factory=dict[str, list[FoundPassage]])
    served: dict[UUID, DocumentRow] = field(default_factory=dict[UUID, DocumentRow])
    degraded: list[str] = field(default_factory=list[str])
    trace: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    knowledge_version: int = 0


class Retriever:
    def __init__(self, database: Database, index: PassageIndex, embedder: Embedder, settings: Retrieval) -> None:
        self._database = database
        self._index = index
        self._embedder = embedder
        self._settings = settings

    async def retrieve(
        self, subject: Subject, query: str, strategy: Strategy, top_k: int, filters: SearchFilters | None
    ) -> Found:
        """The best `top_k` passages. While embedding is away a hybrid search is lexical, and says so.

        Raises 503 for a vector search while embedding is away.
        """
        mode: Mode = "hybrid" if strategy == "auto" else strategy
        search = _Search()
        scope = Scope(subject.organization_id, readers_of(subject), filters)
        vector = await self._query_vector(query, mode, search)
        depth = max(self._settings.candidates, top_k * 2)
        fused: list[Fused[UUID]] = []
        for _ in range(DEEPER_FETCHES):
            await self._fetch(search, scope, query, vector, mode, depth)
            await self._recheck(search, subject)
            fused = self._fuse(search)
            exhausted = all(len(found) < depth for found in search.lists.values())
            if len(fused) >= top_k or exhausted:
                break
            depth *= DEEPER_FACTOR
        passages = _passages(search, fused[:top_k])
        used: Mode = "lexical" if vector is None else mode
        search.trace.append({"step": "select", "passages": [_considered(passage) for passage in passages]})
        return Found(passages, used, search.degraded, search.knowledge_version, search.trace)

    async def _query_vector(self, query: str, mode: Mode, search: _Search) -> NDArray[np.float32] | None:
        if mode == LEXICAL:
            return None
        started = time.perf_counter()
        try:
            rows = await self._embedder.embed([query], timeout_s=EMBED_TIMEOUT_S)
        except FootnoteError:
            if mode == VECTOR:
                raise
            search.degraded.append("embedding")
            return None
        search.trace.append({"step": "embed", "ms": _ms(started)})
        return rows[0]

    async def _fetch(
        self,
        search: _Search,
        scope: Scope,
        query: str,
        vector: NDArray[np.float32] | None,
        mode: Mode,
        depth: int,
    ) -> None:
        work: dict[str, Coroutine[Any, Any, list[FoundPassage]]] = {}
        if mode != VECTOR:
            work[LEXICAL] = self._index.lexical(scope, query, depth)
        if vector is not None:
            work[VECTOR] = self._index.similar(scope, vector, depth)
        started = time.perf_counter()
        found = await asyncio.gather(*work.values())
        search.lists = dict(zip(work, found, strict=True))
        counts = {name: len(passages) for name, passages in search.lists.items()}
        search.trace.append({"step": "search", "ms": _ms(started), "depth": depth, "found": counts})

    async def _recheck(self, search: _Search, subject: Subject) -> None:
        """Drops what the system of record doesn't serve this reader now."""
        started = time.perf_counter()
        named = {passage.document_id for found in search.lists.values() for passage in found}
        async with self._database.transaction() as session:
            search.served = await repository.served_documents(session, subject, named)
            search.knowledge_version = await repository.knowledge_version(session, subject.organization_id)
        dropped = 0
        for name, found in search.lists.items():
            kept = [passage for passage in found if _is_served(passage, search.served)]
            dropped += len(found) - len(kept)
            search.lists[name] = kept
        search.trace.append({"step": "recheck", "ms": _ms(started), "dropped": dropped})

    def _fuse(self, search: _Search) -> list[Fused[UUID]]:
        ranked = {name: [passage.chunk_id for passage in found] for name, found in search.lists.items()}
        return fuse(ranked, self._settings.rrf_k)


def _is_served(passage: FoundPassage, served: dict[UUID, DocumentRow]) -> bool:
    document = served.get(passage.document_id)
    return document is not None and document.served_version == passage.version


def _passages(search: _Search, fused: Sequence[Fused[UUID]]) -> list[RetrievedPassage]:
    by_list = {name: {passage.chunk_id: passage for passage in found} for name, found in search.lists.items()}
    lexical, vector = by_list.get(LEXICAL, {}), by_list.get(VECTOR, {})
    passages: list[RetrievedPassage] = []
    for one in fused:
        passage = lexical.get(one.item) or vector[one.item]
        document = search.served[passage.document_id]
        in_lexical, in_vector = lexical.get(one.item), vector.get(one.item)
        passages.append(
            RetrievedPassage(
                document_id=document.id,
                external_id=document.external_id,
                chunk_id=passage.chunk_id,
                title=document.title,
                content=passage.content,
                score=one.score,
                location=location_of(passage),
                scores=SearchScores(
                    lexical_rank=one.ranks.get(LEXICAL),
                    lexical_score=in_lexical.score if in_lexical else None,
                    vector_rank=one.ranks.get(VECTOR),
                    vector_score=in_vector.score if in_vector else None,
                    fused=one.score,
                ),
                token_count=passage.token_count,
                similarity=in_vector.score if in_vector else None,
            )
        )
    return passages


def location_of(passage: FoundPassage) -> Location:
    return Location(page=passage.page, heading_path=list(passage.heading_path), start=passage.start, end=passage.end)


def _considered(passage: RetrievedPassage) -> dict[str, Any]:
    scores = passage.scores.model_dump() if passage.scores else {}
    return {"chunk_id": str(passage.chunk_id), "document_id": str(passage.document_id), **scores}


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
