"""embedding, as knowledge, chat and generation call it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from libs.clients.base import ServiceClient
from libs.contracts.embedding import (
    EmbeddingModelInfo,
    EmbeddingModelList,
    Pair,
    Prediction,
    PredictRequest,
    Rank,
    RerankRequest,
    TokenVectorsRequest,
    TokenVectorsResponse,
)
from libs.contracts.openai import EmbeddingRequest, EmbeddingResponse
from libs.inference.entailment import Inference, inference_of
from libs.inference.late_interaction import query_tokens

_RANKS = TypeAdapter(list[Rank])
_PREDICTIONS = TypeAdapter(list[list[Prediction]])


@dataclass(frozen=True)
class EmbeddedPassages:
    """`vectors` is `(n, dim)` float32, unit rows. `tokens` are n byte strings for `late_interaction.maxsim`.

    Tokens of two revisions can't be compared, nor vectors of two spaces.
    """

    vectors: NDArray[np.float32]
    tokens: tuple[bytes, ...]
    revision: str
    space: str


@dataclass(frozen=True)
class EmbeddedQuery:
    """`vector` is `(dim,)` and `tokens` `(m, token_dim)` for `late_interaction.maxsim`, float32, of unit length.

    `token_dim` is 0 where the model has no token vectors.
    """

    vector: NDArray[np.float32]
    tokens: NDArray[np.float32]
    revision: str
    space: str


class EmbeddingClient:
    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def models(self, *, timeout_s: float = 10) -> list[EmbeddingModelInfo]:
        """What is served, the default first."""
        answer = await self._service.call("GET", "/v1/models", EmbeddingModelList, idempotent=True, timeout_s=timeout_s)
        return answer.data

    async def embed(self, texts: list[str], *, model: str = "default", timeout_s: float = 30) -> NDArray[np.float32]:
        """`(n, dim)` float32 rows of unit length, in the texts' order. A text is read as far as the model reads."""
        if not texts:
            return np.empty((0, 0), np.float32)
        response = await self._service.call(
            "POST",
            "/v1/embeddings",
            EmbeddingResponse,
            body=EmbeddingRequest(input=texts, model=model, encoding_format="base64", truncate=True),
            idempotent=True,
            timeout_s=timeout_s,
        )
        rows = [_decoded(item.embedding) for item in response.data]
        return np.stack(rows)

    async def embed_passages(
        self, texts: list[str], *, model: str = "default", timeout_s: float = 30
    ) -> EmbeddedPassages:
        """Vectors as `embed` gives them and token vectors to store, from one pass through the model.

        The texts must not be empty.
        """
        response = await self._token_vectors(texts, "passage", model, timeout_s)
        return EmbeddedPassages(
            vectors=np.stack([_decoded(item.vector) for item in response.data]),
            tokens=tuple(base64.b64decode(item.tokens) for item in response.data),
            revision=response.revision,
            space=response.space,
        )

    async def embed_query(self, text: str, *, model: str = "default", timeout_s: float = 30) -> EmbeddedQuery:
        """The query's vector as `embed` gives it, and its tokens' to compare with passages' tokens."""
        response = await self._token_vectors([text], "query", model, timeout_s)
        item = response.data[0]
        tokens = query_tokens(base64.b64decode(item.tokens), response.token_dimension)
        return EmbeddedQuery(_decoded(item.vector), tokens, response.revision, response.space)

    async def rerank(
        self, query: str, texts: list[str], *, model: str = "default", timeout_s: float = 30
    ) -> NDArray[np.float32]:
        """`(n,)` scores in the texts' order, -1 to 1; encodes every text, where stored tokens would save that."""
        response = await self._service.send(
            "POST",
            "/rerank",
            body=RerankRequest(query=query, texts=texts, model=model, raw_scores=True),
            idempotent=True,
            timeout_s=timeout_s,
        )
        scores = np.empty(len(texts), np.float32)
        for rank in _RANKS.validate_json(response.content):
            scores[rank.index] = rank.score
        return scores

    async def infer(self, pairs: Sequence[Pair], *, model: str = "default", timeout_s: float = 30) -> list[Inference]:
        """What each pair's second text is to its first, in the pairs' order.

        Asked once: whoever waits for it can do without. Raises ValueError for an answer without entailment.
        """
        response = await self._service.send(
            "POST", "/predict", body=PredictRequest(inputs=[*pairs], model=model), timeout_s=timeout_s
        )
        rows = _PREDICTIONS.validate_json(response.content)
        if len(rows) != len(pairs):
            raise ValueError(f"predictions of {len(rows)} pairs came for {len(pairs)}")
        return [inference_of({one.label: one.score for one in row}) for row in rows]

    async def _token_vectors(
        self, texts: list[str], role: Literal["query", "passage"], model: str, timeout_s: float
    ) -> TokenVectorsResponse:
        return await self._service.call(
            "POST",
            "/embed_tokens",
            TokenVectorsResponse,
            body=TokenVectorsRequest(texts=texts, role=role, model=model),
            idempotent=True,
            timeout_s=timeout_s,
        )


def _decoded(embedding: list[float] | str) -> NDArray[np.float32]:
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding), "<f4")
    return np.asarray(embedding, np.float32)
