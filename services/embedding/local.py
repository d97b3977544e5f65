"""A model of this process: two caches in front of the batch queues in front of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter, Histogram

from libs.clients.context import Lane, current_context
from libs.inference import late_interaction
from services.embedding.adapters.redis_vectors import RedisVectors
from services.embedding.batching import Lanes
from services.embedding.cache import CachedText, CacheScope, VectorCache
from services.embedding.ports import Embedded, EmbeddedText, EmbeddedTexts, EmbeddingModel, Reranked
from services.embedding.refusals import invalid
from services.embedding.tenancy import tenant_of
from services.embedding.tokenizer import TokenIds

# What is asked of a text: its vector alone, or also its tokens' as a query or as a passage.
Wanted = Literal["vector", "query", "passage"]
Read = TypeVar("Read")

# Takes the tokenizer less than a millisecond.
READ_AT_ONCE_CHARS = 2_000

CACHED = Counter(
    "footnote_embedding_texts_total", "Texts embedded, by lane and whether the cache had them.", ["lane", "cached"]
)
BATCH_TOKENS = Histogram(
    "footnote_embedding_batch_tokens", "Tokens in a batch, without padding.", buckets=[2**n for n in range(3, 15)]
)


@dataclass(frozen=True, slots=True)
class _Text:
    ids: TokenIds
    wanted: Wanted = "vector"

    def __len__(self) -> int:
        return len(self.ids)


class LocalEncoder:
    """Only queries are cached: ingested texts seldom come again, and are long.

    `shared` is None where processes share nothing.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        cache: VectorCache,
        shared: RedisVectors | None,
        max_batch_tokens: int,
        max_waiting: int,
    ) -> None:
        self._model = model
        self._cache = cache
        self._shared = shared
        threads: dict[Lane, int] = {"query": 1, "ingest": model.ingest_threads}
        self._lanes: Lanes[_Text, EmbeddedText] = Lanes(
            self._run_batch, threads, max_batch_tokens, max_waiting, model.id
        )
        self.id, self.backend, self.space = model.id, model.backend, model.space
        self.revision, self.dimension = model.revision, model.dimension
        self.token_dimension = model.token_dimension
        self.max_tokens = model.tokenizer.limit

    async def run(self) -> None:
        await self._lanes.run()

    async def embed(self, texts: list[str], lane: Lane, *, truncate: bool) -> Embedded:
        scope = self._scope(lane)
        found = [scope and self._recalled(scope, text, truncate=truncate) for text in texts]
        CACHED.labels(lane, "yes").inc(len(found) - found.count(None))
        missing = [index for index, one in enumerate(found) if one is None]
        if missing:
            some = [texts[index] for index in missing]
            tokens = await self._read(some, truncate=truncate, numbers=missing)
            vectors = await self._vectors(some, tokens, lane, scope)
            for index, ids, vector in zip(missing, tokens, vectors, strict=True):
                found[index] = CachedText(vector, len(ids))
        whole = [one for one in found if one]
        return Embedded(np.stack([one.vector for one in whole]), sum(one.tokens for one in whole))

    async def embed_tokens(self, texts: list[str], role: Literal["query", "passage"], lane: Lane) -> EmbeddedTexts:
        """From one pass through the model."""
        scope = self._scope(lane)
        tokens = await self._read(texts, "texts")
        keys = [scope and scope.vector_key(ids) for ids in tokens]
        rows = [self._cache.query(key) if key and role == "query" else None for key in keys]
        missing = [index for index, row in enumerate(rows) if row is None]
        CACHED.labels(lane, "yes").inc(len(rows) - len(missing))
        CACHED.labels(lane, "no").inc(len(missing))
        made = await self._lanes.embed([_Text(tokens[index], role) for index in missing], lane)
        for index, row in zip(missing, made, strict=True):
            rows[index] = row
            key = keys[index]
            if scope and key:
                self._cache.put(scope, texts[index], key, CachedText(row.vector, len(tokens[index])))
                if role == "query":
                    self._cache.put_query(key, row)
        return EmbeddedTexts([row for row in rows if row], sum(map(len, tokens)))

    async def rerank(self, query: str, texts: list[str], lane: Lane, *, truncate: bool) -> Reranked:
        """By late interaction."""
        question = await self._read([query], "query", truncate=truncate)
        passages = await self._read(texts, "texts", truncate=truncate)
        wanted = [_Text(question[0], "query"), *(_Text(ids, "passage") for ids in passages)]
        asked, *rows = await self._lanes.embed(wanted, lane)
        query_tokens = late_interaction.query_tokens(asked.tokens, self.token_dimension)
        scores = await asyncio.to_thread(late_interaction.maxsim, query_tokens, [row.tokens for row in rows])
        return Reranked(scores, sum(map(len, wanted)))

    def _scope(self, lane: Lane) -> CacheScope | None:
        return CacheScope(self.revision, tenant_of(current_context())) if lane == "query" else None

    def _recalled(self, scope: CacheScope, text: str, *, truncate: bool) -> CachedText | None:
        """A text that fills the model's limit may have been cut: where that isn't wanted, it is counted again."""
        known = self._cache.recall(scope, text)
        return known if known and (truncate or known.tokens < self.max_tokens) else None

    async def _read(
        self, texts: list[str], param: str = "input", *, truncate: bool = True, numbers: Sequence[int] | None = None
    ) -> list[TokenIds]:
        """Raises 422 for a text beyond the limit where it must not be cut; `numbers` are the texts' in the request."""
        tokenizer = self._model.tokenizer
        tokens = await _beside(texts, tokenizer.read)
        full = [index for index, ids in enumerate(tokens) if len(ids) == tokenizer.limit]
        if full and not truncate:
            counts = await _beside([texts[index] for index in full], tokenizer.count)
            for index, count in zip(full, counts, strict=True):
                if count > tokenizer.limit:
                    number = numbers[index] if numbers else index
                    raise invalid(
                        f"Text {number} has {count:,} tokens; {self.id} reads at most {tokenizer.limit:,}. "
                        "Shorten it, or let it be cut with truncate=true.",
                        param,
                    )
        return tokens

    async def _vectors(
        self, texts: Sequence[str], tokens: Sequence[TokenIds], lane: Lane, scope: CacheScope | None
    ) -> list[NDArray[np.float32]]:
        """Each text once, from the caches or the model."""
        if scope is None:
            CACHED.labels(lane, "no").inc(len(tokens))
            return [row.vector for row in await self._lanes.embed([_Text(ids) for ids in tokens], lane)]
        keys = [scope.vector_key(ids) for ids in tokens]
        rows = {key: row for key in keys if (row := self._cache.get(key)) is not None}
        unknown = {key: ids for key, ids in zip(keys, tokens, strict=True) if key not in rows}
        if self._shared and unknown:
            rows |= await self._shared.get([*unknown], self.dimension)
        CACHED.labels(lane, "yes").inc(sum(key in rows for key in keys))
        wanted = {key: ids for key, ids in unknown.items() if key not in rows}
        CACHED.labels(lane, "no").inc(len(wanted))
        made = await self._lanes.embed([_Text(ids) for ids in wanted.values()], lane)
        new = {key: row.vector for key, row in zip(wanted, made, strict=True)}
        if self._shared:
            self._shared.put(new)
        rows |= new
        for text, key, ids in zip(texts, keys, tokens, strict=True):
            self._cache.put(scope, text, key, CachedText(rows[key], len(ids)))
        return [rows[key] for key in keys]

    def _run_batch(self, lane: Lane, batch: Sequence[_Text]) -> list[EmbeddedText]:
        """In an inference thread. Token vectors are made small here, so that what waits for its batch stays small."""
        BATCH_TOKENS.observe(sum(map(len, batch)))
        encoded = self._model.encode([text.ids for text in batch], lane)
        rows: list[EmbeddedText] = []
        for text, vector, states in zip(batch, encoded.vectors, encoded.states, strict=True):
            if text.wanted == "vector":
                rows.append(EmbeddedText(vector, b""))
                continue
            kept = states[: len(text)][self._model.tokenizer.speaking(text.ids)]
            pack = late_interaction.pack_query if text.wanted == "query" else late_interaction.pack_passage
            rows.append(EmbeddedText(vector, pack(kept)))
        return rows


async def _beside(texts: Sequence[str], read: Callable[[Sequence[str]], list[Read]]) -> list[Read]:
    """A few short texts are read at once; what takes longer goes to a thread, so that others needn't wait."""
    if sum(map(len, texts)) <= READ_AT_ONCE_CHARS:
        return read(texts)
    return await asyncio.to_thread(read, texts)
