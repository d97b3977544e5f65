"""`footnote eval retrieval`: a judged collection through the real upload and search, measured per strategy."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from libs.config.settings import Settings
from scripts.api import Api, ApiError
from scripts.evaluate.dataset import CorpusDocument, Dataset
from scripts.evaluate.measures import PerQuery, per_query
from scripts.stage import organization

# How each strategy is asked for.
STRATEGIES: dict[str, dict[str, Any]] = {
    "lexical": {"strategy": "lexical"},
    "vector": {"strategy": "vector"},
    "hybrid": {"strategy": "hybrid", "rerank": False},
    "hybrid+rerank": {"strategy": "hybrid", "rerank": True},
}
DEPTH = 100
BATCH = 200
AT_ONCE = 4
POLL_S = 1.0
STALLED_S = 600.0
TITLE_MAX_CHARS = 500


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
    with _progress(console) as progress:
        for strategy in strategies:
            measured = Measured(strategy)
            task = progress.add_task(strategy, total=len(dataset.queries))
            waiting = asyncio.Semaphore(at_once)

            async def ask(
                query: str,
                text: str,
                measured: Measured = measured,
                waiting: asyncio.Semaphore = waiting,
                task: Any = task,
            ) -> None:
                async with waiting:
                    started = time.perf_counter()
                    body = {"query": text, "top_k": DEPTH, "group_by": "document", **STRATEGIES[measured.strategy]}
                    answer = await api.call("POST", "/search", json=body)
                    measured.milliseconds.append((time.perf_counter() - started) * 1000)
                measured.rankings[query] = [result["external_id"] for result in answer["results"]]
                measured.degraded.update(answer["degraded"])
                progress.advance(task)

            async with asyncio.TaskGroup() as group:
                for query in dataset.queries:
                    group.create_task(ask(query.id, query.text))
            measured.scores = per_query(relevant, measured.rankings)
            found.append(measured)
    return found


async def _ingest(api: Api, documents: Sequence[CorpusDocument], console: Console) -> None:
    """Uploads what isn't there yet and waits until all of it is indexed. Raises ApiError where a document fails."""
    known = {item["external_id"] async for item in _listed(api)}
    missing = [document for document in documents if document.id not in known]
    with _progress(console) as progress:
        if missing:
            sending = progress.add_task("sent", total=len(missing))
            for start in range(0, len(missing), BATCH):
                batch = missing[start : start + BATCH]
                await api.call("POST", "/documents/batch", json={"documents": [_upload(one) for one in batch]})
                progress.advance(sending, len(batch))
        await _indexed(api, len(documents), progress)


async def _indexed(api: Api, total: int, progress: Progress) -> None:
    task = progress.add_task("indexed", total=total)
    left, moved = -1, time.monotonic()
    while left:
        waiting = [item async for item in _listed(api, status="pending")]
        waiting += [item async for item in _listed(api, status="processing")]
        if len(waiting) != left:
            left, moved = len(waiting), time.monotonic()
            progress.update(task, completed=total - left)
        elif time.monotonic() - moved > STALLED_S:
            raise ApiError(f"{left} documents have waited for {STALLED_S:.0f} s; see the knowledge worker's log.")
        if left:
            await asyncio.sleep(POLL_S)
    failed = [item async for item in _listed(api, status="failed")]
    if failed:
        first = failed[0]
        raise ApiError(f"{len(failed)} documents failed, {first['external_id']!r} with: {first['error']['message']}")


async def _listed(api: Api, **filters: str) -> AsyncGenerator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        params = {"limit": 100, **filters, **({"cursor": cursor} if cursor else {})}
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


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<13}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
