"""Passages made up for the benches: as many as asked for, vectors in topics, words as rare as in a language."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from services.knowledge.ports import IndexedPassage, PassageAttributes

DIMENSION = 384
TOPICS = 2_000
# Within a topic vectors lie about as near to each other as MiniLM's of one subject do, at a cosine of 0.5.
SPREAD = 1.0
VOCABULARY = 20_000
WORDS = 60
EVERYONE = "organization"

Vectors = NDArray[np.float32]


def vectors_in_topics(random: np.random.Generator, count: int) -> Vectors:
    """`(count, DIMENSION)` rows of unit length; the topics depend on the generator's state."""
    topics = _unit(random.standard_normal((TOPICS, DIMENSION), dtype=np.float32))
    return vectors_near(random, topics[random.integers(0, TOPICS, count)])


def vectors_near(random: np.random.Generator, vectors: Vectors) -> Vectors:
    noise = random.standard_normal(vectors.shape, dtype=np.float32) / np.float32(np.sqrt(DIMENSION))
    return _unit(vectors + SPREAD * noise)


def text_of(random: np.random.Generator, words: int = WORDS) -> str:
    """By Zipf's law."""
    ranks = np.minimum(random.zipf(1.2, words), VOCABULARY)
    return " ".join(f"word{rank}" for rank in ranks)


def attributes(*readers: str, category: str | None = None) -> PassageAttributes:
    return PassageAttributes(readers or (EVERYONE,), datetime(2026, 1, 1, tzinfo=UTC), "text/plain", category=category)


def passage(random: np.random.Generator, vector: Vectors, **fields: Any) -> IndexedPassage:
    """`fields` of its own besides the vector and a text."""
    content = text_of(random)
    made: dict[str, Any] = {
        "chunk_id": uuid4(),
        "document_id": uuid4(),
        "version": uuid4(),
        "position": 0,
        "header": "Title",
        "table_header": None,
        "content": content,
        "heading_path": (),
        "page": None,
        "start": 0,
        "end": len(content),
        "token_count": WORDS,
        "attributes": attributes(),
        "vector": vector,
        "tokens": b"",
        "model_revision": "bench",
    }
    return IndexedPassage(**made | fields)


def _unit(rows: NDArray[np.floating[Any]]) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
