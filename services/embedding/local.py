"""A model of this process: the cache in front of the batch queue in front of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter, Histogram

from libs.clients.context import Lane
from libs.inference import late_interaction
from services.embedding.batching import BatchQueue
from services.embedding.cache import VectorCache
from services.embedding.ports import Embedded, EmbeddedText, EmbeddedTexts, EmbeddingModel, Reranked
from services.embedding.refusals import invalid
from services.embedding.tokenizer import TokenIds

# What is asked of a text: its vector alone, or also its tokens' as a query or as a passage.
Wanted = Literal["vector", "query", "passage"]

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
    def __init__(self, model: EmbeddingModel, cache: VectorCache, max_batch_tokens: int, max_waiting: int) -> None:
        self._model = model
        self._cache = cache
        self._queue: BatchQueue[_Text, EmbeddedText] = BatchQueue(self._run_batch, max_batch_tokens, max_waiting)
        self.id, self.backend, self.space = model.id, model.backend, model.space
        self.revision, self.dimension = model.revision, model.dimension
        self.token_dimension = model.token_dimension
        self.max_tokens = model.tokenizer.limit

    async def run(self) -> None:
        await self._queue.run()

    async def embed(self, texts: list[str], lane: Lane, *, truncate: bool) -> Embedded:
        tokens = await self._read(texts, truncate=truncate)
        vectors = await self._vectors(tokens, lane)
        return Embedded(np.stack(vectors), sum(map(len, tokens)))

    async def embed_tokens(self, texts: list[str], role: Literal["query", "passage"], lane: Lane) -> EmbeddedTexts:
        """From one pass through the model. Token vectors aren't cached: a passage's are a hundred times its vector."""
        tokens = await self._read(texts)
        rows = await self._queue.embed([_Text(ids, role) for ids in tokens], lane)
        for ids, row in zip(tokens, rows, strict=True):
            self._cache.put(self.revision, ids, row.vector)
        return EmbeddedTexts(rows, sum(map(len, tokens)))

    async def rerank(self, query: str, texts: list[str], lane: Lane, *, truncate: bool) -> Reranked:
        """By late interaction."""
        question = await self._read([query], "query", truncate=truncate)
        passages = await self._read(texts, "texts", truncate=truncate)
        wanted = [_Text(question[0], "query"), *(_Text(ids, "passage") for ids in passages)]
        asked, *rows = await self._queue.embed(wanted, lane)
        query_tokens = late_interaction.query_tokens(asked.tokens, self.token_dimension)
        scores = await asyncio.to_thread(late_interaction.maxsim, query_tokens, [row.tokens for row in rows])
        return Reranked(scores, sum(map(len, wanted)))

    async def _read(self, texts: list[str], param: str = "input", *, truncate: bool = True) -> list[TokenIds]:
        tokenizer = self._model.tokenizer
        tokens = await asyncio.to_thread(tokenizer.read, texts)
        full = [index for index, ids in enumerate(tokens) if len(ids) == tokenizer.limit]
        if full and not truncate:
            counts = await asyncio.to_thread(tokenizer.count, [texts[index] for index in full])
            for index, count in zip(full, counts, strict=True):
                if count > tokenizer.limit:
                    raise invalid(
                        f"Text {index} has {count:,} tokens; {self.id} reads at most {tokenizer.limit:,}. "
                        "Shorten it, or let it be cut with truncate=true.",
                        param,
                    )
        return tokens

    async def _vectors(self, tokens: list[TokenIds], lane: Lane) -> list[NDArray[np.float32]]:
        found = [self._cache.get(self.revision, ids) for ids in tokens]
        missing = [ids for ids, vector in zip(tokens, found, strict=True) if vector is None]
        CACHED.labels(lane, "no").inc(len(missing))
        CACHED.labels(lane, "yes").inc(len(tokens) - len(missing))
        made = [row.vector for row in await self._queue.embed([_Text(ids) for ids in missing], lane)]
        for ids, vector in zip(missing, made, strict=True):
            self._cache.put(self.revision, ids, vector)
        rest = iter(made)
        return [next(rest) if vector is None else vector for vector in found]

    def _run_batch(self, batch: Sequence[_Text]) -> list[EmbeddedText]:
        """In the inference thread. Token vectors are made small here, so that what waits for its batch stays small."""
        BATCH_TOKENS.observe(sum(map(len, batch)))
        encoded = self._model.encode([text.ids for text in batch])
        rows: list[EmbeddedText] = []
        for text, vector, states in zip(batch, encoded.vectors, encoded.states, strict=True):
            if text.wanted == "vector":
                rows.append(EmbeddedText(vector, b""))
                continue
            kept = states[: len(text)][self._model.tokenizer.speaking(text.ids)]
            pack = late_interaction.pack_query if text.wanted == "query" else late_interaction.pack_passage
            rows.append(EmbeddedText(vector, pack(kept)))
        return rows
