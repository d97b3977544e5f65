"""embedding, as knowledge, chat and generation call it."""

import base64

import numpy as np
from numpy.typing import NDArray

from libs.clients.base import ServiceClient
from libs.contracts.openai import EmbeddingRequest, EmbeddingResponse


class EmbeddingClient:
    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def embed(self, texts: list[str], *, timeout_s: float = 30) -> NDArray[np.float32]:
        """`(n, dim)` float32 rows of unit length, in the texts' order."""
        if not texts:
            return np.empty((0, 0), np.float32)
        response = await self._service.call(
            "POST",
            "/v1/embeddings",
            EmbeddingResponse,
            body=EmbeddingRequest(input=texts, encoding_format="base64"),
            idempotent=True,
            timeout_s=timeout_s,
        )
        rows = [_decoded(item.embedding) for item in response.data]
        return np.stack(rows)


def _decoded(embedding: list[float] | str) -> NDArray[np.float32]:
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding), "<f4")
    return np.asarray(embedding, np.float32)
