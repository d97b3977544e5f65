"""From a question to the passages that its reader may see: searches in parallel, rechecked, fused, reranked.

The recheck comes before the fusion, so that ranks and traces are made of nothing but what the reader may see.
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from libs.config.settings import Retrieval
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.inference.late_interaction import maxsim
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.analysis import analyse
from services.knowledge.embedding_switch import indexes
from services.knowledge.embedding_switch.served_models import ServedModels, space_of_revision
from services.knowledge.found import Found, Mode, Wanted
from services.knowledge.fusion import Fused
from services.knowledge.glossary.expansion import expanded_terms, expansions, said_otherwise
from services.knowledge.ports import Embedder, FoundPassage, PassageIndex, Scope
from services.knowledge.ranking import EXPANSION, LEXICAL, VECTOR, Candidates, rank
from services.knowledge.scope import scope_of
from services.knowledge.search_cache import SearchCache
from services.knowledge.searching import Search

EMBED_TIMEOUT_S = 5.0
# In `degraded`: the index was made with a model that isn't served, so that the query can't be compared with it.
NOT_SERVED = "embedding_model"
# A list that is too short for the question is fetched again, deeper, and so is one that a change overtook.
FETCHES = 5
DEEPER_FACTOR = 4


class Retriever:
    def __init__(
        self,
        database: Database,
        index: PassageIndex,
        embedder: Embedder,
        cache: SearchCache,
        settings: Retrieval,
        embed_timeout_s: float = EMBED_TIMEOUT_S,
    ) -> None:
        self._database = database
        self._index = index
        self._embedder = embedder
        self._models = ServedModels(embedder)
        self._cache = cache
        self._settings = settings
        self._embed_timeout_s = embed_timeout_s

    async def retrieve(self, subject: Subject, wanted: Wanted) -> Found:
        """The best `top_k` passages, or the best passage of each of the best `top_k` documents.

        While embedding is away, or doesn't serve the model that made the organisation's index, every strategy is
        lexical, and `degraded` says so. A single search's passages are
        scored by it (BM25, cosine), fused ones by reciprocal rank fusion.
        """
        async with self._database.transaction() as session:
            version = await repository.knowledge_version(session, subject.organization_id)
        kept = await self._cache.get(subject, wanted, version)
        if kept:
            return replace(kept, trace=[{"step": "search_cache", "hit": True}, *kept.trace])
        search = await self._search(subject, wanted)
        found = Found(
            search.passages,
            search.used,
            sorted(search.degraded),
            search.knowledge_version,
            search.trace,
            expansions(wanted.query, search.terms),
        )
        if search.at_one_version and not found.degraded:
            await self._cache.put(subject, wanted, found)
        return found

    async def _search(self, subject: Subject, wanted: Wanted) -> Search:
        analysis = analyse(wanted.query)
        scope = Scope(subject.organization_id, (), wanted.filters)
        mode: Mode = "hybrid" if wanted.strategy == "auto" else wanted.strategy
        search = Search(subject, wanted, analysis, scope, mode)
        top_k = wanted.top_k or self._settings.passages[analysis.kind]
        search.trace.append(
            {
                "step": "analyse",
                "strategy": wanted.strategy,
                "searches": mode,
                "kind": analysis.kind,
                "exact": analysis.exact,
                "parts": analysis.parts,
                "top_k": top_k,
            }
        )
        depth = max(self._settings.candidates, top_k * 2)
        ranked: list[Fused[UUID]] = []
        for _ in range(FETCHES):
            await self._fetch(search, depth)
            await self._recheck(search)
            ranked = await self._ranked(search)
            if search.overtaken:
                continue
            if len(ranked) >= top_k or search.exhausted:
                break
            depth *= DEEPER_FACTOR
        search.passages = search.results(ranked[:top_k])
        return search

    async def _fetch(self, search: Search, depth: int) -> None:
        async with self._database.transaction() as session:
            search.knowledge_version = await repository.knowledge_version(session, search.scope.organization_id)
            # After the version: a collection that was opened since then is at most too new for it.
            search.scope = await scope_of(session, search.subject, search.wanted.filters)
            await self._expand(session, search)
            # Of one moment with what is served: an index that gave way to another is kept while somebody reads it.
            searched = await indexes.serving(session, search.scope.organization_id)
        if searched != search.serving:
            search.serving, search.embedded = searched, None
        lexical = asyncio.create_task(self._lexical(search, depth)) if search.mode != VECTOR else None
        try:
            similar = await self._similar(search, depth) if search.mode != LEXICAL else {}
            words = await lexical if lexical else {}
        finally:
            if lexical:
                lexical.cancel()
        if not similar and not words:
            words = await self._lexical(search, depth)
        search.lists = words | similar
        search.exhausted = all(len(found) < depth for found in search.lists.values())

    async def _expand(self, session: AsyncSession, search: Search) -> None:
        terms = await expanded_terms(session, search.scope.organization_id, search.wanted.query)
        if terms == search.terms:
            return
        search.terms, search.embedded = terms, None
        told = [one.model_dump() for one in expansions(search.wanted.query, terms)]
        search.trace.append({"step": "glossary", "expansions": told})

    def _index_of(self, search: Search) -> PassageIndex:
        return self._index.numbered(search.serving.number)

    async def _lexical(self, search: Search, depth: int) -> dict[str, list[FoundPassage]]:
        started = time.perf_counter()
        index = self._index_of(search)
        found = await _together(
            *(index.lexical(search.scope, text, depth) for text in search.texts),
            # Behind any number of passages with some of its words may be the one that has it as written.
            *(index.lexical(search.scope, text, depth, every=True) for text in search.analysis.exact),
        )
        search.trace.append({"step": "lexical", "ms": _ms(started), "depth": depth})
        return dict(zip(_names(LEXICAL, len(found)), found, strict=True))

    async def _similar(self, search: Search, depth: int) -> dict[str, list[FoundPassage]]:
        """Nothing where the query can't be embedded as the index's passages were."""
        if search.embedded is None and not await self._embed(search):
            return {}
        assert search.embedded is not None  # noqa: S101 - it was embedded
        started = time.perf_counter()
        index = self._index_of(search)
        vectors = (search.embedded.vector, *search.part_vectors, *(one.vector for one in search.otherwise))
        found = await _together(*(index.similar(search.scope, vector, depth) for vector in vectors))
        search.trace.append({"step": "vector", "ms": _ms(started), "depth": depth})
        names = [
            *_names(VECTOR, 1 + len(search.part_vectors)),
            *(f"{EXPANSION} {number}" for number in range(1, len(search.otherwise) + 1)),
        ]
        return dict(zip(names, found, strict=True))

    async def _embed(self, search: Search) -> bool:
        started = time.perf_counter()
        query, to_embed = search.wanted.query, search.wanted.to_embed
        try:
            model = await self._model(search)
            if model is None:
                return False
            embedded, *otherwise = await asyncio.gather(
                *(
                    self._embedder.embed_query(to_embed(text), model=model, timeout_s=self._embed_timeout_s)
                    for text in (query, *said_otherwise(query, search.terms))
                )
            )
            parts: list[NDArray[np.float32]] = []
            if search.analysis.parts:
                texts = [to_embed(part) for part in search.analysis.parts]
                parts = [*await self._embedder.embed(texts, model=model, timeout_s=self._embed_timeout_s)]
        except FootnoteError as error:
            search.trace.append({"step": "embed", "ms": _ms(started), "failed": error.code})
            search.degraded.add(NOT_SERVED if error.code is ErrorCode.MODEL_NOT_FOUND else "embedding")
            return False
        search.embedded, search.otherwise, search.part_vectors = embedded, otherwise, parts
        search.trace.append({"step": "embed", "ms": _ms(started), "model": model})
        return True

    async def _model(self, search: Search) -> str | None:
        """The model that made the index's vectors; None, which the trace tells, where it isn't served."""
        space = search.serving.space
        if space is None:
            revision = await self._index_of(search).model_revision(search.scope.organization_id)
            if not revision:
                return (await self._models.known()).default.id
            space = space_of_revision(revision)
        model = await self._models.of(space)
        if model is None:
            search.degraded.add(NOT_SERVED)
            search.trace.append({"step": "embed", "failed": NOT_SERVED, "space": space})
            return None
        return model.id

    async def _recheck(self, search: Search) -> None:
        """Drops what the system of record doesn't serve this reader now.

        A content that was replaced since the search began may be missing in both forms: then the search is overtaken.
        """
        started = time.perf_counter()
        named = {passage.document_id for found in search.lists.values() for passage in found}
        async with self._database.transaction() as session:
            search.documents = await repository.served_documents(session, search.subject, named, search.wanted.filters)
            # After the documents: a change that these rows show is one that this number shows.
            version = await repository.knowledge_version(session, search.scope.organization_id)
        replaced = False
        for name, found in search.lists.items():
            readable = [one for one in found if one.document_id in search.documents]
            served = [one for one in readable if one.version == search.documents[one.document_id].version]
            replaced = replaced or len(served) < len(readable)
            search.lists[name] = served
        search.at_one_version = version == search.knowledge_version
        search.overtaken = replaced and not search.at_one_version
        counts = {name: len(found) for name, found in search.lists.items()}
        search.trace.append({"step": "recheck", "ms": _ms(started), **counts})

    async def _ranked(self, search: Search) -> list[Fused[UUID]]:
        started = time.perf_counter()
        candidates = Candidates(search.lists, search.documents, search.analysis, self._settings)
        # One search alone is asked for its own order.
        reranked = search.wanted.rerank and search.used == "hybrid"
        late = await self._late(search, candidates.first(self._settings.rerank_depth)) if reranked else {}
        fused = rank(candidates, late, by_document=search.wanted.group_by == "document")
        considered = [
            {
                "chunk_id": str(one.item),
                "document_id": str(candidates.passages[one.item].document_id),
                **{f"{name.replace(' ', '_')}_rank": place for name, place in one.ranks.items()},
                "fused": one.score,
            }
            for one in fused[: self._settings.candidates]
        ]
        search.trace.append({"step": "fuse", "ms": _ms(started), "passages": considered})
        return fused

    async def _late(self, search: Search, passages: Sequence[FoundPassage]) -> dict[UUID, float]:
        """The late-interaction score of each passage whose token vectors this query's model made.

        Of the query as it stands and as it is said otherwise, the better. Nothing where the model has none.
        """
        if search.embedded is None or not search.embedded.tokens.size or not passages:
            return {}
        started = time.perf_counter()
        stored = await self._index_of(search).tokens(
            search.scope.organization_id, [one.chunk_id for one in passages], search.embedded.revision
        )
        known = [one for one in passages if (one.chunk_id, one.version) in stored]
        if len(known) < len(passages):
            search.degraded.add("rerank")
        tokens = [stored[one.chunk_id, one.version] for one in known]
        scores = np.max([maxsim(query.tokens, tokens) for query in (search.embedded, *search.otherwise)], axis=0)
        search.trace.append({"step": "rerank", "ms": _ms(started), "passages": len(known)})
        return {one.chunk_id: float(score) for one, score in zip(known, scores, strict=True)}


async def _together(*searches: Coroutine[None, None, list[FoundPassage]]) -> list[list[FoundPassage]]:
    """What each finds. Raises what the first that fails does, by itself: callers are answered by its kind."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(search) for search in searches]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


def _names(search: str, count: int) -> list[str]:
    """The query's own list has the plain name."""
    return [search, *(f"{search} {number}" for number in range(1, count))]


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
