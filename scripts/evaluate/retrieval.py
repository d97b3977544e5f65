"""`footnote eval retrieval`: a judged collection through the real upload and search, measured per strategy."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from libs.config.settings import Settings
from scripts.api import Api, ApiError
from scripts.evaluate.dataset import CorpusDocument, Dataset, Query
from scripts.evaluate.measures import PerQuery, per_query
from scripts.progress import bars, until_indexed
from scripts.sending import BATCH_DOCUMENTS, TITLE_MAX_CHARS
from scripts.stage import organization

# How each strategy is asked for.
STRATEGIES: dict[str, dict[str, Any]] = {
    "lexical": {"strategy": "lexical"},
    "vector": {"strategy": "vector"},
    "hybrid": {"strategy": "hybrid", "rerank": False},
    "hybrid+rerank": {"strategy": "hybrid", "rerank": True},
}
DEPTH = 100
AT_ONCE = 4


@dataclass
class Measured:
    """One strategy's rankings; `milliseconds` is how long each question took, `degraded` what didn't work in any."""

    strategy: str
    rankings: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    milliseconds: list[float] = field(default_factory=list[float])
    degraded: set[str] = field(default_factory=set[str])
    scores: PerQuery = field(default_factory=dict[str, dict[str, float]])


@asynccontextmanager
async def collection(settings: Settings, dataset: Dataset, console: Console, *, fresh: bool) -> AsyncGenerator[Api]:
    """An organisation that holds the dataset's documents, all indexed: one from an earlier run unless `fresh`."""
    suffix = f"-{secrets.token_hex(4)}" if fresh else ""
    async with organization(settings, f"eval-{dataset.name.replace('_', '-')}-{dataset.fingerprint}{suffix}") as api:
        await _ingest(api, dataset.documents, console)
        yield api


async def measure(
    api: Api, dataset: Dataset, strategies: Sequence[str], console: Console, at_once: int = AT_ONCE
) -> list[Measured]:
    """Every question by every strategy, documents ranked by their best passage."""
    relevant = {query.id: query.relevant for query in dataset.queries}
    found: list[Measured] = []
    waiting = asyncio.Semaphore(at_once)
    with bars(console) as shown:
        for strategy in strategies:
            measured = Measured(strategy)
            task = shown.add(strategy, len(dataset.queries))
            asked = [_ask(api, query, measured, waiting) for query in dataset.queries]
            for done, answered in enumerate(asyncio.as_completed(asked), 1):
                await answered
                shown.show(task, done)
            measured.scores = per_query(relevant, measured.rankings)
            found.append(measured)
    return found


async def _ask(api: Api, query: Query, measured: Measured, waiting: asyncio.Semaphore) -> None:
    body = {"query": query.text, "top_k": DEPTH, "group_by": "document", **STRATEGIES[measured.strategy]}
    async with waiting:
        started = time.perf_counter()
        answer = await api.call("POST", "/search", json=body)
        measured.milliseconds.append((time.perf_counter() - started) * 1000)
    measured.rankings[query.id] = [result["external_id"] for result in answer["results"]]
    measured.degraded.update(answer["degraded"])


async def _ingest(api: Api, documents: Sequence[CorpusDocument], console: Console) -> None:
    """Uploads what isn't there yet and waits until all of it is indexed. Raises ApiError where a document fails."""
    present = {item["document_id"]: item["external_id"] async for item in _listed(api)}
    known = set(present.values())
    missing = [document for document in documents if document.id not in known]
    with bars(console) as shown:
        if missing:
            task = shown.add("sent", len(missing))
            for start in range(0, len(missing), BATCH_DOCUMENTS):
                batch = missing[start : start + BATCH_DOCUMENTS]
                sent = await api.call("POST", "/documents/batch", json={"documents": [_upload(one) for one in batch]})
                accepted = (item["document_id"] for item in sent["items"])
                present |= dict(zip(accepted, (one.id for one in batch), strict=True))
                shown.show(task, start + len(batch))
        indexed = await until_indexed(api, present, shown)
    if indexed.failed:
        name, reason = indexed.failed[0]
        raise ApiError(f"{len(indexed.failed)} documents failed, {name!r} with: {reason}")


async def _listed(api: Api) -> AsyncGenerator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        params = {"limit": 100, **({"cursor": cursor} if cursor else {})}
        page = await api.call("GET", "/documents", params=params)
        for item in page["items"]:
            yield item
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _upload(document: CorpusDocument) -> dict[str, Any]:
    """Collections have titles without a text, and texts without a title: each stands for the other."""
    title, text = document.title.strip(), document.text.strip()
    return {
        "external_id": document.id,
        "title": (title or text)[:TITLE_MAX_CHARS],
        "text": document.text if text else title,
    }
