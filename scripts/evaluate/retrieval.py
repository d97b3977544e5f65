"""`footnote eval retrieval`: a judged collection through the real upload and search, measured per strategy."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from rich.console import Console

from libs.config.settings import Settings
from libs.contracts.evaluation import SEARCHED_AS, SearchStrategy
from libs.evaluation.reporting import DEPTH, JudgedQuestion, Measured
from scripts.api import Api, ApiError
from scripts.evaluate.dataset import CorpusDocument, Dataset
from scripts.progress import bars, print_failures, until_indexed
from scripts.sending import BATCH_DOCUMENTS, TITLE_MAX_CHARS
from scripts.stage import organization

AT_ONCE = 4


@asynccontextmanager
async def collection(
    settings: Settings, dataset: Dataset, console: Console, *, fresh: bool, complete: bool = True
) -> AsyncGenerator[Api]:
    """An organisation that holds the dataset's documents, all indexed: one from an earlier run unless `fresh`.

    Raises ApiError where a document fails, or unless `complete` goes on without it.
    """
    suffix = f"-{secrets.token_hex(4)}" if fresh else ""
    async with organization(settings, f"eval-{dataset.name.replace('_', '-')}-{dataset.fingerprint}{suffix}") as api:
        failed = await _ingest(api, dataset.documents, console)
        if failed and complete:
            name, reason = failed[0]
            raise ApiError(f"{len(failed)} documents failed, {name!r} with: {reason}")
        print_failures(failed, console)
        yield api


async def measure(
    api: Api, dataset: Dataset, strategies: Sequence[SearchStrategy], console: Console, at_once: int = AT_ONCE
) -> list[Measured]:
    """Every question by every strategy, documents ranked by their best passage."""
    found: list[Measured] = []
    waiting = asyncio.Semaphore(at_once)
    with bars(console) as shown:
        for strategy in strategies:
            measured = Measured(strategy)
            task = shown.add(strategy, len(dataset.questions))
            asked = [_ask(api, question, measured, waiting) for question in dataset.questions]
            for done, answered in enumerate(asyncio.as_completed(asked), 1):
                await answered
                shown.show(task, done)
            found.append(measured)
    return found


async def _ask(api: Api, question: JudgedQuestion, measured: Measured, waiting: asyncio.Semaphore) -> None:
    strategy, rerank = SEARCHED_AS[measured.strategy]
    body = {
        "query": question.text,
        "top_k": DEPTH,
        "group_by": "document",
        "strategy": strategy,
        "rerank": rerank,
    }
    async with waiting:
        started = time.perf_counter()
        answer = await api.call("POST", "/search", json=body)
        measured.milliseconds.append((time.perf_counter() - started) * 1000)
    measured.rankings[question.id] = [result["external_id"] for result in answer["results"]]
    measured.degraded.update(answer["degraded"])


async def _ingest(api: Api, documents: Sequence[CorpusDocument], console: Console) -> list[tuple[str, str]]:
    """Uploads what isn't there yet and waits until all of it is indexed; returns what failed, and why."""
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
    return indexed.failed


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
