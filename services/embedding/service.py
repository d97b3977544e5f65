"""Texts in, vectors out: the cache in front of the batch queue in front of the model."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter, Histogram

from libs.clients.context import Lane
from libs.contracts.errors import ErrorCode, FootnoteError, unavailable
from libs.telemetry.logs import get_logger
from services.embedding.batching import BatchQueue
from services.embedding.cache import VectorCache
from services.embedding.ports import EmbeddingModel, ModelLoadError, TokenIds

log = get_logger(__name__)

DEFAULT_MODEL = "default"

CACHED = Counter(
    "footnote_embedding_texts_total", "Texts embedded, by lane and whether the cache had them.", ["lane", "cached"]
)
BATCH_TOKENS = Histogram(
    "footnote_embedding_batch_tokens", "Tokens in a batch, without padding.", buckets=[2**n for n in range(3, 15)]
)


@dataclass(frozen=True)
class Embedded:
    """`vectors` is `(n, dimension)` float32, rows of unit length; `tokens` counts what the model read of all texts."""

    vectors: NDArray[np.float32]
    tokens: int


class EmbeddingService:
    """Answers 503 until `start` has loaded the model, and for ever where that failed; `check` says which."""

    def __init__(
        self, model: EmbeddingModel, name: str, cache: VectorCache, max_batch_tokens: int, max_waiting: int
    ) -> None:
        self._model = model
        self._name = name
        self._cache = cache
        self._max_waiting = max_waiting
        self._queue = BatchQueue(self._run_batch, max_batch_tokens, max_waiting)
        self._ready = False
        self._problem = "the model is still loading"

    @property
    def model_id(self) -> str:
        return self._model.id

    async def run(self) -> None:
        """Loads the model, then embeds until cancelled; returns where the model can't be loaded."""
        try:
            await asyncio.to_thread(self._model.load)
        except ModelLoadError as error:
            self._problem = str(error)
            log.error("model not loaded", reason=self._problem)  # noqa: TRY400 - the message says it all
            return
        self._ready = True
        log.info("model ready", model=self._model.id, revision=self._model.revision, dimension=self._model.dimension)
        await self._queue.run()

    async def check(self) -> None:
        if not self._ready:
            raise ModelLoadError(self._problem)

    async def embed(self, texts: list[str], model: str, dimensions: int | None, lane: Lane) -> Embedded:
        """The texts' vectors, in order; a text beyond the model's limit is read up to it.

        Raises 404 for another model's name, 422 for texts that can't be embedded, 429 while too many wait.
        """
        if model not in {DEFAULT_MODEL, self._name, self._model.id}:
            raise FootnoteError(
                ErrorCode.MODEL_NOT_FOUND,
                f"There is no embedding model {model!r}. Use {self._model.id!r}.",
                404,
                {"param": "model"},
            )
        self._refuse_unusable(texts)
        if not self._ready:
            raise unavailable("embedding", retry_after_s=2)
        if dimensions not in {None, self._model.dimension}:
            raise _invalid(
                f"{self._model.id} gives vectors of {self._model.dimension} dimensions, not {dimensions}.", "dimensions"
            )
        tokens = await asyncio.to_thread(self._model.tokenize, texts)
        vectors = await self._vectors(tokens, lane)
        return Embedded(np.stack(vectors), sum(map(len, tokens)))

    async def _vectors(self, tokens: list[TokenIds], lane: Lane) -> list[NDArray[np.float32]]:
        revision = self._model.revision
        found = [self._cache.get(revision, ids) for ids in tokens]
        missing = [ids for ids, vector in zip(tokens, found, strict=True) if vector is None]
        CACHED.labels(lane, "no").inc(len(missing))
        CACHED.labels(lane, "yes").inc(len(tokens) - len(missing))
        made = await self._queue.embed(missing, lane)
        for ids, vector in zip(missing, made, strict=True):
            self._cache.put(revision, ids, vector)
        rest = iter(made)
        return [next(rest) if vector is None else vector for vector in found]

    def _run_batch(self, batch: Sequence[TokenIds]) -> NDArray[np.float32]:
        BATCH_TOKENS.observe(sum(map(len, batch)))
        return self._model.embed(batch)

    def _refuse_unusable(self, texts: list[str]) -> None:
        if not texts:
            raise _invalid("There is nothing to embed: the list is empty.")
        if len(texts) > self._max_waiting:
            raise _invalid(f"{len(texts):,} texts came in one request; at most {self._max_waiting:,} are taken.")
        for index, text in enumerate(texts):
            if not text.strip():
                raise _invalid(f"Text {index} is empty. Leave it out.")


def _invalid(message: str, param: str = "input") -> FootnoteError:
    return FootnoteError(ErrorCode.VALIDATION_ERROR, message, 422, {"param": param})
