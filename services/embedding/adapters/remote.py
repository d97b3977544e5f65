"""A model on another server: any that speaks OpenAI's `/embeddings`, or text-embeddings-inference."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import numpy as np

from libs.clients.context import Lane, current_context
from libs.config.settings import RemoteModel
from libs.contracts.errors import FootnoteError, overloaded
from services.embedding.adapters.redis_vectors import RedisVectors
from services.embedding.adapters.remote_protocols import (
    RemoteRows,
    UnusableAnswerError,
    joined,
    openai_body,
    openai_rows,
    share_that_fits,
    tei_body,
    tei_rows,
    tei_scores,
)
from services.embedding.adapters.remote_server import RemoteServer, TextRefusedError
from services.embedding.cache import CachedText, CacheScope, VectorCache
from services.embedding.ports import Embedded, EmbeddedText, EmbeddedTexts, ModelLoadError, Reranked
from services.embedding.tenancy import tenant_of

CALLS_AT_ONCE = 8
# Ingestion leaves the other half of the calls to queries.
INGEST_CALLS = CALLS_AT_ONCE // 2
RETRY_AFTER_S = 2
# A token has seldom as many characters: what lies beyond the limit by this measure is not sent.
CUT_CHARS_PER_TOKEN = 8
# Enough to halve a text with three tokens for each letter.
MOST_CUTS = 6
# Where the server doesn't count.
USUAL_CHARS_PER_TOKEN = 4

Rows = Callable[[httpx.Response, int, int | None], RemoteRows]


@dataclass(frozen=True)
class _Route:
    url: str
    body: Callable[..., dict[str, Any]]
    rows: Rows


class RemoteEncoder:
    """Sends the texts and the model's name, as `RemoteServer` sends them; has no token vectors.

    Raises what `RemoteServer` raises, and 429 while more than `max_waiting` texts wait here.
    """

    backend = "remote"
    token_dimension = 0

    def __init__(
        self, name: str, options: RemoteModel, cache: VectorCache, shared: RedisVectors | None, max_waiting: int
    ) -> None:
        self.id = name
        self.revision = self.space = f"{name}@{options.revision}"
        self.max_tokens = options.max_tokens
        self.dimension = 0
        self._options = options
        self._cache = cache
        self._shared = shared
        self._max_waiting = max_waiting
        self._waiting = 0
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)
        self._ingest_calls = asyncio.Semaphore(INGEST_CALLS)
        url = options.url.rstrip("/")
        self._route = (
            _Route(f"{url}/embed", tei_body, tei_rows)
            if options.protocol == "tei"
            else _Route(f"{url}/embeddings", openai_body, openai_rows)
        )
        self._server = RemoteServer(name, options.api_key.get_secret_value(), CALLS_AT_ONCE)

    async def connect(self) -> None:
        """Learns the dimension from a first vector. Raises ModelLoadError where the server doesn't give one."""
        try:
            rows = await self._embedded(["warm up"], truncate=True)
        except FootnoteError as error:
            await self._server.close()
            raise ModelLoadError(
                f"The server of {self.id!r} at {self._options.url!r} gave no vector: {error.message}", passing=True
            ) from error
        except asyncio.CancelledError:
            await self._server.close()
            raise
        self.dimension = rows.vectors.shape[1]

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await self._server.close()

    async def embed(self, texts: list[str], lane: Lane, *, truncate: bool) -> Embedded:
        # The server may have cut a known text: where that isn't wanted, it is asked again.
        scope = CacheScope(self.space, tenant_of(current_context())) if lane == "query" and truncate else None
        found = await self._remembered(texts, scope)
        missing = [index for index, one in enumerate(found) if one is None]
        for start in range(0, len(missing), self._options.max_texts):
            some = missing[start : start + self._options.max_texts]
            made = await self._made([texts[index] for index in some], lane, scope, truncate=truncate)
            for index, one in zip(some, made, strict=True):
                found[index] = one
        whole = [one for one in found if one]
        return Embedded(np.stack([one.vector for one in whole]), sum(one.tokens for one in whole))

    async def embed_tokens(self, texts: list[str], role: Literal["query", "passage"], lane: Lane) -> EmbeddedTexts:  # noqa: ARG002 - the port's
        """Vectors alone: every text's tokens are empty."""
        embedded = await self.embed(texts, lane, truncate=True)
        return EmbeddedTexts([EmbeddedText(vector, b"") for vector in embedded.vectors], embedded.tokens)

    async def rerank(self, query: str, texts: list[str], lane: Lane, *, truncate: bool) -> Reranked:
        """By the configured reranker's own scores, else by the cosine of the vectors."""
        if not self._options.rerank_url:
            embedded = await self.embed([query, *texts], lane, truncate=truncate)
            return Reranked(embedded.vectors[1:] @ embedded.vectors[0], embedded.tokens)
        body = {"query": query, "texts": texts, "raw_scores": False, "truncate": truncate}
        async with self._place(len(texts), lane):
            response = await self._server.post(f"{self._options.rerank_url.rstrip('/')}/rerank", body, len(texts))
        try:
            # From 0 to 1, as the protocol says; ours are from -1 to 1.
            return Reranked(tei_scores(response, len(texts)) * 2 - 1, _guess([query, *texts]))
        except UnusableAnswerError as error:
            self._server.refuse(error)

    async def _remembered(self, texts: Sequence[str], scope: CacheScope | None) -> list[CachedText | None]:
        if scope is None:
            return [None] * len(texts)
        found = [self._cache.recall(scope, text) for text in texts]
        keys = {scope.text_key(text): text for text, one in zip(texts, found, strict=True) if one is None}
        shared = await self._shared.get([*keys], self.dimension) if self._shared and keys else {}
        for key, vector in shared.items():
            self._cache.put(scope, keys[key], key, CachedText(vector, _guess([keys[key]])))
        return [one or self._cache.recall(scope, text) for one, text in zip(found, texts, strict=True)]

    async def _made(
        self, texts: list[str], lane: Lane, scope: CacheScope | None, *, truncate: bool
    ) -> list[CachedText]:
        async with self._place(len(texts), lane):
            rows = await self._embedded(texts, truncate=truncate)
        # Of what the server read of all of them, each text has its share.
        tokens = _guess(texts) if rows.tokens is None else rows.tokens
        letters = sum(map(len, texts))
        made = [
            CachedText(vector, max(1, round(tokens * len(text) / letters)))
            for text, vector in zip(texts, rows.vectors, strict=True)
        ]
        if scope:
            for text, one in zip(texts, made, strict=True):
                self._cache.put(scope, text, scope.text_key(text), one)
            if self._shared:
                self._shared.put({scope.text_key(text): one.vector for text, one in zip(texts, made, strict=True)})
        return made

    async def _embedded(self, texts: Sequence[str], *, truncate: bool) -> RemoteRows:
        if not truncate:
            return await self._sent(texts, truncate=False)
        longest = self.max_tokens * CUT_CHARS_PER_TOKEN
        return await self._cut_to_fit([text[:longest] for text in texts], MOST_CUTS)

    async def _cut_to_fit(self, texts: Sequence[str], cuts: int) -> RemoteRows:
        """OpenAI's protocol has no way to ask that a text be cut: what is refused for its length is sent shorter.

        Of several texts each half is sent by itself, so that no other is cut.
        """
        try:
            return await self._sent(texts, truncate=True)
        except TextRefusedError as error:
            share = share_that_fits(error.reason)
            if share is None or not cuts:
                raise
        if len(texts) > 1:
            middle = len(texts) // 2
            return joined([await self._cut_to_fit(half, cuts) for half in (texts[:middle], texts[middle:])])
        return await self._cut_to_fit([texts[0][: int(len(texts[0]) * share)]], cuts - 1)

    async def _sent(self, texts: Sequence[str], *, truncate: bool) -> RemoteRows:
        body = self._route.body(texts, self._options.model, truncate=truncate)
        response = await self._server.post(self._route.url, body, len(texts))
        try:
            return self._route.rows(response, len(texts), self.dimension or None)
        except UnusableAnswerError as error:
            self._server.refuse(error)

    @asynccontextmanager
    async def _place(self, texts: int, lane: Lane) -> AsyncGenerator[None]:
        if self._waiting + texts > self._max_waiting:
            raise overloaded(f"the embedding model {self.id!r}", RETRY_AFTER_S)
        self._waiting += texts
        try:
            async with self._ingest_calls if lane == "ingest" else nullcontext(), self._calls:
                yield
        finally:
            self._waiting -= texts


def _guess(texts: Sequence[str]) -> int:
    return sum(max(1, len(text) // USUAL_CHARS_PER_TOKEN) for text in texts)
