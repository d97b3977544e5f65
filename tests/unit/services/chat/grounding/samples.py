"""Sources and an embedder for the tests of grounding."""

import hashlib
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from libs.contracts.chat import Source
from libs.contracts.errors import unavailable
from libs.contracts.knowledge import Location
from libs.text.words import content_stems

DIMENSION = 256


class WordEmbedder:
    """Texts as sums of one random direction a word: texts with the same words are alike. Counts what it embeds."""

    def __init__(self) -> None:
        self.embedded = 0

    async def embed(self, texts: list[str]) -> NDArray[np.float32]:
        self.embedded += len(texts)
        rows = np.stack(
            [sum((_direction(word) for word in content_stems(text)), np.zeros(DIMENSION)) for text in texts]
        )
        return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)


class AbsentEmbedder:
    async def embed(self, texts: list[str]) -> NDArray[np.float32]:  # noqa: ARG002 - the protocol's
        raise unavailable("embedding")


def _direction(word: str) -> NDArray[np.float64]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4])
    return np.random.default_rng(seed).normal(size=DIMENSION)


def source(n: int, excerpt: str, title: str = "Handbook", heading: str = "", table_header: str | None = None) -> Source:
    return Source(
        n=n,
        document_id=uuid4(),
        external_id=None,
        chunk_id=uuid4(),
        title=title,
        excerpt=excerpt,
        location=Location(
            heading_path=[heading] if heading else [], table_header=table_header, start=0, end=len(excerpt)
        ),
        relevance_score=0.5,
    )
