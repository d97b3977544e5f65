"""`footnote bench index`: the passage index at 100 times the size, and for readers who may see little of it."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from libs.config.settings import load_settings
from scripts.bench.made_up import EVERYONE, Vectors, attributes, passage, text_of, vectors_in_topics, vectors_near
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.ports import FoundPassage, Scope

SMALL, LARGE = 1_000, 100_000
BATCH = 5_000
QUERIES = 60
QUERY_WORDS = 4
TOP_K = 10
# One passage in a hundred is this reader's own.
SHARE = 100
FEW = "user:few"


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
    vectors = vectors_in_topics(random, size)
    index = LanceDbIndex(folder, load_settings().retrieval.exact_below)
    organization_id = uuid4()
    chunk_ids: list[UUID] = []
    for start in range(0, size, BATCH):
        batch = [
            passage(random, vector, attributes=attributes(*((EVERYONE, FEW) if number % SHARE == 0 else (EVERYONE,))))
            for number, vector in enumerate(vectors[start : start + BATCH], start)
        ]
        chunk_ids += [one.chunk_id for one in batch]
        await index.add(organization_id, batch)
    await index.maintain(organization_id)
    return _Collection(index, organization_id, vectors, chunk_ids)


async def _row(table: Table, collection: _Collection, reader: str) -> tuple[float, float]:
    random = np.random.default_rng(11)
    scope = Scope(collection.organization_id, (reader,))
    seen = np.arange(0, len(collection.chunk_ids), SHARE if reader == FEW else 1)
    queries = vectors_near(random, collection.vectors[random.choice(seen, QUERIES)])
    texts = [text_of(random, QUERY_WORDS) for _ in range(QUERIES)]
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
