"""The indexing process: `python -m services.knowledge.worker`."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import cast

from fastapi import FastAPI
from redis.asyncio import Redis

from libs.clients.auth import AuthClient
from libs.clients.base import ServiceClient, service_http
from libs.clients.billing import BillingClient
from libs.clients.context import RequestContext, use_context
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import Settings
from libs.events.outbox import OutboxRelay
from libs.security.tokens import ServiceTokens
from libs.service.health import Health, health_router, metrics_router
from libs.service.run import Loop, serve
from libs.stores.postgres import Database
from libs.stores.redis import connect_redis
from libs.telemetry.logs import get_logger
from services.knowledge.aftermath import deliveries
from services.knowledge.catching_up import IndexCatchUp
from services.knowledge.departures import Departures
from services.knowledge.documents import Documents, Shower
from services.knowledge.embedding_switch.served_models import ServedModels
from services.knowledge.embedding_switch.status import SwitchReports
from services.knowledge.embedding_switch.switcher import IndexSwitcher
from services.knowledge.evaluations.evaluator import Evaluator
from services.knowledge.evaluations.resolving import Resolver
from services.knowledge.ingestion import Ingester
from services.knowledge.large_work import SMALL_BYTES, LargeWork
from services.knowledge.leftover_files import LeftoverFiles
from services.knowledge.main import (
    bin_life,
    blob_store,
    former_indexes,
    passage_index,
    resumable_uploads,
    source_runner,
    today,
    uploads,
)
from services.knowledge.models import OutboxRow
from services.knowledge.packing import Packer
from services.knowledge.parsing.sandbox import Sandbox
from services.knowledge.purge import Purger
from services.knowledge.retrieval import Retriever
from services.knowledge.search_cache import SearchCache
from services.knowledge.tokens import token_counts
from services.knowledge.usage.counting import expire

log = get_logger(__name__)

IDLE_S = 0.2
# After a failure, then twice as long after each more in a row, up to the longest.
AFTER_FAILURE_S = 2.0
LONGEST_AFTER_FAILURE_S = 16.0
SWEEP_EVERY_S = 3.0
PURGE_EVERY_S = 60.0
SOURCES_IDLE_S = 5.0
# Of different organisations: fetching is mostly waiting.
SOURCES_AT_ONCE = 2
BIN_EVERY_S = 60.0
SWITCH_IDLE_S = 1.0
DEPARTURES_EVERY_S = 3600.0
FILES_EVERY_S = 3600.0
# An evaluation's questions wait behind the passages that are being indexed.
PATIENT_S = 60.0
# uvloop runs Python between fork and exec, where LanceDB's threads may hold a lock for ever; asyncio starts a parser's
# process without.
LOOP: Loop = "asyncio"

# True where there was something to do, and may be more.
Step = Callable[[], Awaitable[bool | None]]


async def work(settings: Settings, health: Health | None = None) -> None:
    """Indexes, purges and tells billing until cancelled; `health` learns when it has begun, and how to check it."""
    database, redis = Database(settings, "knowledge"), connect_redis(settings)
    async with service_http() as http, Sandbox(settings.ingestion.workers + 1) as sandbox:
        tokens = ServiceTokens("knowledge", settings.secrets_dir)
        embedder = EmbeddingClient(ServiceClient("embedding", settings.url("embedding"), tokens, http))
        billing = BillingClient(ServiceClient("billing", settings.url("billing"), tokens, http))
        auth = AuthClient(ServiceClient("auth", settings.url("auth"), tokens, http))
        switching = ServedModels(embedder)
        reports = SwitchReports(database, switching)
        relay, steps = _duties(settings, database, redis, embedder, billing, auth, sandbox)
        steps += _switching(settings, database, embedder, switching, reports)
        if health:
            health.add("postgres", database.ping)
            health.add("original files", blob_store(settings, database).check)
            health.add("search index", passage_index(settings, database).check)
            health.add("embedding models", reports.check, needed=False)
            health.started = True
        log.info("knowledge worker is ready")
        try:
            with use_context(RequestContext(lane="ingest")):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(relay.run())
                    for step, idle_s in steps:
                        tasks.create_task(_forever(step, idle_s))
        finally:
            await redis.aclose()
            await database.close()


def _duties(
    settings: Settings,
    database: Database,
    redis: Redis,
    embedder: EmbeddingClient,
    billing: BillingClient,
    auth: AuthClient,
    sandbox: Sandbox,
) -> tuple[OutboxRelay, list[tuple[Step, float]]]:
    """What is delivered, and what is done again and again: each with the seconds it rests when nothing was to do."""
    options = settings.ingestion
    blobs = blob_store(settings, database)
    index = passage_index(settings, database)
    count_tokens = token_counts(settings)
    lease, shower = timedelta(seconds=options.lease_s), Shower(bin_life(settings))
    catch_up = IndexCatchUp(database, index)
    accepting = uploads(settings, database, blobs, billing)
    cache = SearchCache(redis, settings.retrieval, embedded=not settings.redis_url)
    purger = Purger(database, index, accepting, cache, bin_life(settings))
    runner = source_runner(settings, database, Documents(database, catch_up, shower), accepting)
    packer = Packer(database, blobs, shower, timedelta(hours=settings.documents.export_hours), lease)
    uncached = settings.retrieval.model_copy(update={"cache_s": 0})
    retriever = Retriever(database, index, embedder, SearchCache(redis, uncached), uncached, PATIENT_S)
    evaluator = Evaluator(database, retriever, Resolver(database, index), lease)

    async def expire_use() -> bool:
        return await expire(database, today(), settings.documents.use_days)

    large = LargeWork(options.workers)
    ingesters = [
        Ingester(database, index, blobs, embedder, sandbox, count_tokens, options, largest, large)
        # One more takes only small documents, so that a large file never holds them up.
        for largest in (*[settings.max_upload_bytes] * options.workers, SMALL_BYTES)
    ]
    relay = OutboxRelay(database, OutboxRow, deliveries(database, blobs, billing) | catch_up.deliveries())
    return relay, [
        *((ingester.turn, IDLE_S) for ingester in ingesters),
        (purger.sweep_changed, SWEEP_EVERY_S),
        (purger.finish_half_accepted, SWEEP_EVERY_S),
        (purger.empty_bins, BIN_EVERY_S),
        (purger.erase, SWEEP_EVERY_S),
        (resumable_uploads(settings, database, accepting).purge, PURGE_EVERY_S),
        (Departures(database, auth).sweep, DEPARTURES_EVERY_S),
        (LeftoverFiles(database, blobs).sweep, FILES_EVERY_S),
        *[(runner.turn, SOURCES_IDLE_S)] * SOURCES_AT_ONCE,
        (packer.turn, SWEEP_EVERY_S),
        (packer.expire, BIN_EVERY_S),
        (evaluator.turn, SWEEP_EVERY_S),
        (evaluator.expire, BIN_EVERY_S),
        (expire_use, BIN_EVERY_S),
    ]


def _switching(
    settings: Settings,
    database: Database,
    embedder: EmbeddingClient,
    models: ServedModels,
    reports: SwitchReports,
) -> list[tuple[Step, float]]:
    """What is done so that indexes follow the embedding model."""
    index = passage_index(settings, database)
    switcher = IndexSwitcher(database, index, embedder, models, timedelta(seconds=settings.ingestion.lease_s))
    former = former_indexes(settings, database, index, models)
    return [
        (switcher.follow_model, SWEEP_EVERY_S),
        (switcher.turn, SWITCH_IDLE_S),
        (former.drop, BIN_EVERY_S),
        (reports.measure, SWEEP_EVERY_S),
        (reports.tell_documents, SWEEP_EVERY_S),
    ]


async def _forever(step: Step, idle_s: float) -> None:
    """Again and again, at once after a step that found work; whatever a step raises, the next one tries again.

    Ends when it is cancelled, even where what a step waited for took the cancellation for its own.
    """
    task = asyncio.current_task()
    rest_s = AFTER_FAILURE_S
    while task and not task.cancelling():
        try:
            busy = await step()
        except Exception as error:  # noqa: BLE001 - see above
            log.warning("step failed", step=step.__qualname__, error=_reason(error))
            busy = False
            await asyncio.sleep(rest_s)
            rest_s = min(rest_s * 2, LONGEST_AFTER_FAILURE_S)
        else:
            rest_s = AFTER_FAILURE_S
        if not busy:
            await asyncio.sleep(idle_s)


def _reason(error: Exception) -> str:
    """The first cause: a task group's own message says nothing."""
    while isinstance(error, ExceptionGroup):
        error = cast("ExceptionGroup[Exception]", error).exceptions[0]
    return f"{type(error).__name__}: {error}"[:500]


def build(settings: Settings) -> FastAPI:
    """The worker as an application that answers for its health and nothing else."""
    health = Health("knowledge-worker")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        working = asyncio.create_task(work(settings, health))
        working.add_done_callback(_stop_process)
        yield
        working.remove_done_callback(_stop_process)
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.include_router(health_router(health))
    app.include_router(metrics_router())
    return app


def _stop_process(_working: asyncio.Task[None]) -> None:
    """A worker whose work ended is of no use; whoever started it starts another. Its error is raised at the end."""
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    serve("knowledge-worker", build, LOOP)
