"""`footnote bench index`: the passage index at 100 times the size, and for readers who may see little of it."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from libs.config.settings import load_settings
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.ports import FoundPassage, IndexedPassage, PassageAttributes, Scope

SMALL, LARGE = 1_000, 100_000
DIMENSION = 384
TOPICS = 2_000
# Within a topic vectors lie about as near to each other as MiniLM's of one subject do, at a cosine of 0.5.
SPREAD = 1.0
VOCABULARY = 20_000
WORDS = 60
BATCH = 5_000
QUERIES = 60
TOP_K = 10
# One passage in a hundred is this reader's own.
SHARE = 100
EVERYONE, FEW = "organization", "user:few"

Vectors = NDArray[np.float32]


async def bench_index(console: Console, small: int = SMALL, large: int = LARGE) -> None:
    """Median times and recall against exact search, over made-up passages in a folder that goes with the bench."""
    table = Table(title=f"Passage index, top {TOP_K}, median of {QUERIES} searches with a filter on readers")
    for column in ("passages", "reader sees", "vector ms", "lexical ms", f"recall@{TOP_K}", "results"):
        table.add_column(column, justify="right")
    medians: dict[tuple[int, str], tuple[float, float]] = {}
    for size in (small, large):
        with tempfile.TemporaryDirectory(prefix="footnote-index-") as folder:
            collection = await _filled(Path(folder), size)
            for reader in (EVERYONE, FEW):
                medians[size, reader] = await _row(table, collection, reader)
    console.print(table)
    for number, search in enumerate(("vector", "lexical")):
        ratio = medians[large, EVERYONE][number] / medians[small, EVERYONE][number]
        console.print(f"{search}: {large:,} passages take {ratio:.2f} times what {small:,} take", highlight=False)


class _Collection:
    def __init__(self, index: LanceDbIndex, organization_id: UUID, vectors: Vectors, chunk_ids: list[UUID]) -> None:
        self.index = index
        self.organization_id = organization_id
        self.vectors = vectors
        self.chunk_ids = chunk_ids


async def _filled(folder: Path, size: int) -> _Collection:
    random = np.random.default_rng(7)
    vectors = _unit(_topics(random)[random.integers(0, TOPICS, size)] + SPREAD * _noise(random, size))
    index = LanceDbIndex(folder, load_settings().retrieval.exact_below)
    organization_id = uuid4()
    chunk_ids: list[UUID] = []
    for start in range(0, size, BATCH):
        batch = [*_passages(random, vectors[start : start + BATCH], start)]
        chunk_ids += [one.chunk_id for one in batch]
        await index.add(organization_id, batch)
    await index.maintain(organization_id)
    return _Collection(index, organization_id, vectors, chunk_ids)


def _passages(random: np.random.Generator, vectors: Vectors, first: int) -> Iterator[IndexedPassage]:
    for number, vector in enumerate(vectors, first):
        content = _text(random)
        yield IndexedPassage(
            chunk_id=uuid4(),
            document_id=uuid4(),
            version=uuid4(),
            position=0,
            header="Title",
            content=content,
            heading_path=(),
            page=None,
            start=0,
            end=len(content),
            token_count=WORDS,
            attributes=PassageAttributes(
                readers=(EVERYONE, FEW) if number % SHARE == 0 else (EVERYONE,),
                dated_at=datetime(2026, 1, 1, tzinfo=UTC),
                media_type="text/plain",
            ),
            vector=vector,
            tokens=b"",
            model_revision="bench",
        )


async def _row(table: Table, collection: _Collection, reader: str) -> tuple[float, float]:
    random = np.random.default_rng(11)
    scope = Scope(collection.organization_id, (reader,))
    seen = np.arange(0, len(collection.chunk_ids), SHARE if reader == FEW else 1)
    queries = _unit(collection.vectors[random.choice(seen, QUERIES)] + SPREAD * _noise(random, QUERIES))
    texts = [" ".join(_text(random).split()[:4]) for _ in range(QUERIES)]
    index = collection.index
    await index.similar(scope, queries[0], TOP_K)
    await index.lexical(scope, texts[0], TOP_K)
    vector_ms, found = await _timed(lambda number: index.similar(scope, queries[number], TOP_K))
    lexical_ms, _ = await _timed(lambda number: index.lexical(scope, texts[number], TOP_K))
    recall = np.mean([_recall(collection, seen, query, names) for query, names in zip(queries, found, strict=True)])
    table.add_row(
        f"{len(collection.chunk_ids):,}",
        "all" if reader == EVERYONE else f"1 in {SHARE}",
        f"{vector_ms:.1f}",
        f"{lexical_ms:.1f}",
        f"{recall:.3f}",
        f"{min(map(len, found))}",
    )
    return vector_ms, lexical_ms


async def _timed(search: Callable[[int], Awaitable[list[FoundPassage]]]) -> tuple[float, list[list[FoundPassage]]]:
    """The median of one search in milliseconds, and what each found."""
    times: list[float] = []
    found: list[list[FoundPassage]] = []
    for number in range(QUERIES):
        started = time.perf_counter()
        found.append(await search(number))
        times.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(0)
    return float(np.median(times)), found


def _recall(collection: _Collection, seen: NDArray[np.int64], query: Vectors, found: list[FoundPassage]) -> float:
    exact = seen[np.argsort(-(collection.vectors[seen] @ query))[:TOP_K]]
    wanted = {collection.chunk_ids[int(place)] for place in exact}
    return len(wanted & {one.chunk_id for one in found}) / len(wanted)


def _topics(random: np.random.Generator) -> Vectors:
    return _unit(random.standard_normal((TOPICS, DIMENSION), dtype=np.float32))


def _noise(random: np.random.Generator, count: int) -> Vectors:
    """Of length about 1."""
    return random.standard_normal((count, DIMENSION), dtype=np.float32) / np.float32(np.sqrt(DIMENSION))


def _unit(rows: NDArray[np.floating[Any]]) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _text(random: np.random.Generator) -> str:
    """Words as rare as in a language, by Zipf's law."""
    ranks = np.minimum(random.zipf(1.2, WORDS), VOCABULARY)
    return " ".join(f"word{rank}" for rank in ranks)
