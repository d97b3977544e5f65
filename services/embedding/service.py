"""Texts in, vectors out: the cache in front of the batch queue in front of the model."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter, Histogram

from libs.clients.context import Lane
from libs.contracts.embedding import EmbeddingModelInfo
from libs.contracts.errors import ErrorCode, FootnoteError, unavailable
from libs.inference import late_interaction
from libs.telemetry.logs import get_logger
from services.embedding.batching import BatchQueue
from services.embedding.cache import VectorCache
from services.embedding.ports import EmbeddingModel, ModelLoadError
from services.embedding.tokenizer import TokenIds

log = get_logger(__name__)

DEFAULT_MODEL = "default"
OWNER = "footnote"
STARTED_AT = int(time.time())
LOADING_RETRY_S = 2

# What is asked of a text: its vector alone, or also its tokens' as a query or as a passage.
Wanted = Literal["vector", "query", "passage"]

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


@dataclass(frozen=True, slots=True)
class EmbeddedText:
    """A text's vector, and its tokens' vectors in `libs.inference.late_interaction`'s form, empty unless wanted."""

    vector: NDArray[np.float32]
    tokens: bytes


@dataclass(frozen=True)
class Reranked:
    """`scores` is `(n,)` float32, -1 to 1, in the texts' order."""

    scores: NDArray[np.float32]
    tokens: int


@dataclass(frozen=True, slots=True)
class _Text:
    ids: TokenIds
    wanted: Wanted = "vector"

    def __len__(self) -> int:
        return len(self.ids)


class EmbeddingService:
    """Answers 503 until `run` has loaded the model, and for ever where that failed; `check` says which."""

    def __init__(
        self,
        load: Callable[[], EmbeddingModel],
        model_id: str,
        alias: str,
        cache: VectorCache,
        max_batch_tokens: int,
        max_waiting: int,
    ) -> None:
        """`load` blocks and raises ModelLoadError; `alias` is what the operator's settings call the model."""
        self.model_id = model_id
        self._load = load
        self._names = {DEFAULT_MODEL, alias, model_id}
        self._cache = cache
        self._max_waiting = max_waiting
        self._queue: BatchQueue[_Text, EmbeddedText] = BatchQueue(self._run_batch, max_batch_tokens, max_waiting)
        self._loaded: EmbeddingModel | None = None
        self._problem = "the model is still loading"

    @property
    def space(self) -> str:
        return self._model.space

    @property
    def token_revision(self) -> str:
        """Names the model and the form of token vectors; those of two revisions can't be compared."""
        return f"{self._model.revision}/{late_interaction.FORMAT}"

    def info(self) -> EmbeddingModelInfo:
        model = self._model
        return EmbeddingModelInfo(
            id=model.id,
            created=STARTED_AT,
            owned_by=OWNER,
            dimension=model.dimension,
            max_tokens=model.tokenizer.limit,
            space=model.space,
            default=True,
        )

    async def run(self) -> None:
        """Loads the model, then embeds until cancelled; returns where the model can't be loaded."""
        try:
            model = await asyncio.to_thread(self._load)
        except ModelLoadError as error:
            self._problem = str(error)
            log.error("model not loaded", reason=self._problem)  # noqa: TRY400 - the message says it all
            return
        self._loaded = model
        log.info("model ready", model=model.id, backend=model.backend, revision=model.revision)
        await self._queue.run()

    async def check(self) -> None:
        if self._loaded is None:
            raise ModelLoadError(self._problem)

    async def embed(
        self, texts: list[str], model: str, dimensions: int | None, lane: Lane, *, truncate: bool = True
    ) -> Embedded:
        """The texts' vectors, in order; a text beyond the model's limit is read up to it.

        Raises 404 for another model's name, 429 while too many wait, 422 for texts that can't be embedded, among them
        those beyond the limit where `truncate` is false.
        """
        self._refuse_unknown(model)
        self._refuse_unusable(texts)
        if dimensions not in {None, self._model.dimension}:
            raise _invalid(
                f"{self.model_id} gives vectors of {self._model.dimension} dimensions, not {dimensions}.", "dimensions"
            )
        tokens = await self._read(texts, truncate=truncate)
        vectors = await self._vectors(tokens, lane)
        return Embedded(np.stack(vectors), sum(map(len, tokens)))

    async def embed_tokens(
        self, texts: list[str], role: Literal["query", "passage"], model: str, lane: Lane
    ) -> tuple[list[EmbeddedText], int]:
        """Each text's vector and token vectors from one pass through the model, and the tokens read of all.

        Token vectors aren't cached: a passage's are a hundred times its vector. Raises as `embed` does.
        """
        self._refuse_unknown(model)
        self._refuse_unusable(texts)
        tokens = await self._read(texts)
        rows = await self._queue.embed([_Text(ids, role) for ids in tokens], lane)
        for ids, row in zip(tokens, rows, strict=True):
            self._cache.put(self._model.revision, ids, row.vector)
        return rows, sum(map(len, tokens))

    async def rerank(self, query: str, texts: list[str], model: str, lane: Lane, *, truncate: bool) -> Reranked:
        """How well each text answers the query, by late interaction. Raises as `embed` does."""
        self._refuse_unknown(model)
        self._refuse_unusable([query], "query")
        self._refuse_unusable(texts, "texts", longest=self._max_waiting - 1)
        question = await self._read([query], "query", truncate=truncate)
        passages = await self._read(texts, "texts", truncate=truncate)
        wanted = [_Text(question[0], "query"), *(_Text(ids, "passage") for ids in passages)]
        asked, *rows = await self._queue.embed(wanted, lane)
        scores = await asyncio.to_thread(
            late_interaction.maxsim, late_interaction.query_tokens(asked.tokens), [row.tokens for row in rows]
        )
        return Reranked(scores, sum(map(len, wanted)))

    @property
    def _model(self) -> EmbeddingModel:
        if self._loaded is None:
            raise unavailable("embedding", retry_after_s=LOADING_RETRY_S)
        return self._loaded

    async def _read(self, texts: list[str], param: str = "input", *, truncate: bool = True) -> list[TokenIds]:
        tokenizer = self._model.tokenizer
        tokens = await asyncio.to_thread(tokenizer.read, texts)
        full = [index for index, ids in enumerate(tokens) if len(ids) == tokenizer.limit]
        if full and not truncate:
            counts = await asyncio.to_thread(tokenizer.count, [texts[index] for index in full])
            for index, count in zip(full, counts, strict=True):
                if count > tokenizer.limit:
                    raise _invalid(
                        f"Text {index} has {count:,} tokens; {self.model_id} reads at most {tokenizer.limit:,}. "
                        "Shorten it, or let it be cut with truncate=true.",
                        param,
                    )
        return tokens

    async def _vectors(self, tokens: list[TokenIds], lane: Lane) -> list[NDArray[np.float32]]:
        revision = self._model.revision
        found = [self._cache.get(revision, ids) for ids in tokens]
        missing = [ids for ids, vector in zip(tokens, found, strict=True) if vector is None]
        CACHED.labels(lane, "no").inc(len(missing))
        CACHED.labels(lane, "yes").inc(len(tokens) - len(missing))
        made = [row.vector for row in await self._queue.embed([_Text(ids) for ids in missing], lane)]
        for ids, vector in zip(missing, made, strict=True):
            self._cache.put(revision, ids, vector)
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

    def _refuse_unknown(self, model: str) -> None:
        if model not in self._names:
            raise FootnoteError(
                ErrorCode.MODEL_NOT_FOUND,
                f"There is no embedding model {model!r}. Use {self.model_id!r}.",
                404,
                {"param": "model"},
            )

    def _refuse_unusable(self, texts: list[str], param: str = "input", longest: int | None = None) -> None:
        most = longest or self._max_waiting
        if not texts:
            raise _invalid("There is nothing to embed: the list is empty.", param)
        if len(texts) > most:
            raise _invalid(f"{len(texts):,} texts came in one request; at most {most:,} are taken.", param)
        for index, text in enumerate(texts):
            if not text.strip():
                raise _invalid(f"Text {index} is empty. Leave it out.", param)


def _invalid(message: str, param: str) -> FootnoteError:
    return FootnoteError(ErrorCode.VALIDATION_ERROR, message, 422, {"param": param})
