"""knowledge's composition root."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial

from fastapi import APIRouter, Depends, FastAPI

from libs.clients.auth import AuthClient
from libs.clients.billing import BillingClient
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import Settings
from libs.fetch.fetcher import Fetcher
from libs.service.app import Kit, create_app
from libs.stores.blobs import BlobStore, FolderBlobStore
from libs.stores.postgres import Database
from libs.stores.redis import connect_redis
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.aftermath import any_served, some_named
from services.knowledge.catching_up import IndexCatchUp
from services.knowledge.changes import Changes
from services.knowledge.collections import Collections
from services.knowledge.documents import Documents, Shower
from services.knowledge.embedding_switch.former import FormerIndexes
from services.knowledge.embedding_switch.routes import EmbeddingSwitch
from services.knowledge.embedding_switch.routes import router as embedding_switch_router
from services.knowledge.embedding_switch.served_models import ServedModels
from services.knowledge.embedding_switch.status import SwitchReports
from services.knowledge.evaluations.routes import Evaluations
from services.knowledge.evaluations.routes import router as evaluations_router
from services.knowledge.evaluations.runs import EvaluationRuns
from services.knowledge.evaluations.sets import QuestionSets
from services.knowledge.exports import Exports
from services.knowledge.glossary.entries import Glossary
from services.knowledge.groups import Groups
from services.knowledge.lifecycle_routes import Lifecycle
from services.knowledge.originals import Originals
from services.knowledge.parameters import require_known_parameters
from services.knowledge.passages import Passages
from services.knowledge.ports import PassageIndex
from services.knowledge.reindexing import Reindexing
from services.knowledge.retrieval import Retriever
from services.knowledge.routes import Knowledge, router
from services.knowledge.search_cache import SearchCache
from services.knowledge.sources.bucket_sync import BucketSync
from services.knowledge.sources.buckets import Buckets
from services.knowledge.sources.inventory import Inventories
from services.knowledge.sources.mounting import ROUTERS
from services.knowledge.sources.pages import WebPages
from services.knowledge.sources.parts import Parts
from services.knowledge.sources.registry import SourceRegistry
from services.knowledge.sources.resumable import ResumableUploads
from services.knowledge.sources.routes import Sources
from services.knowledge.sources.runner import SourceRunner, Sync
from services.knowledge.sources.site_sync import SiteSync
from services.knowledge.sources.source_documents import SourceDocuments
from services.knowledge.standing import Standings
from services.knowledge.uploads import Uploads
from services.knowledge.usage.counting import UseCounts
from services.knowledge.usage.reports import UseReports
from services.knowledge.usage.routes import Usage

MULTIPART_SLACK_BYTES = 2_097_152


def passage_index(settings: Settings, database: Database) -> PassageIndex:
    return LanceDbIndex(settings.home / "knowledge", settings.retrieval.exact_below, partial(any_served, database))


def blob_store(settings: Settings, database: Database) -> BlobStore:
    return FolderBlobStore(settings.home / "blobs", partial(some_named, database))


def uploads(settings: Settings, database: Database, blobs: BlobStore, billing: BillingClient) -> Uploads:
    return Uploads(database, blobs, billing, settings.max_upload_bytes, settings.ingestion.uncounted_bytes)


def resumable_uploads(settings: Settings, database: Database, accepting: Uploads) -> ResumableUploads:
    parts = Parts(settings.home / "partial-uploads")
    return ResumableUploads(database, parts, accepting, settings.max_upload_bytes)


def web_fetcher(settings: Settings) -> Fetcher:
    options = settings.fetching
    return Fetcher(timeout_s=options.timeout_s, ports=options.ports, allowed_networks=tuple(options.allowed_networks))


def s3_buckets(settings: Settings) -> Buckets:
    return Buckets(settings.s3_sources, settings.secrets_dir)


def source_runner(settings: Settings, database: Database, documents: Documents, accepting: Uploads) -> SourceRunner:
    kept = SourceDocuments(database, documents, accepting)
    largest = settings.max_upload_bytes
    syncs: dict[str, Sync] = {
        "web": SiteSync(web_fetcher(settings), kept, largest),
        "s3": BucketSync(database, kept, s3_buckets(settings), largest),
    }
    return SourceRunner(database, kept, syncs)


def today() -> date:
    """The day in UTC."""
    return datetime.now(UTC).date()


def bin_life(settings: Settings) -> timedelta:
    return timedelta(days=settings.documents.bin_days)


def former_indexes(settings: Settings, database: Database, index: PassageIndex, models: ServedModels) -> FormerIndexes:
    return FormerIndexes(database, index, models, timedelta(days=settings.embedding.keep_days))


@asynccontextmanager
async def wire(kit: Kit) -> AsyncGenerator[None]:
    settings = kit.settings
    database = Database(settings, "knowledge")
    kit.health.add("postgres", database.ping)
    index = passage_index(settings, database)
    redis = connect_redis(settings)
    kit.app.state.redis = redis
    blobs = blob_store(settings, database)
    kit.health.add("search index", index.check, needed=False)
    # Searches go on without the originals.
    kit.health.add("original files", blobs.check, needed=False)
    groups = Groups(AuthClient(kit.client("auth")))
    catch_up = IndexCatchUp(database, index)
    shower = Shower(bin_life(settings))
    accepting = uploads(settings, database, blobs, BillingClient(kit.client("billing")))
    embedder = EmbeddingClient(kit.client("embedding"))
    kit.app.state.knowledge = Knowledge(
        groups,
        accepting,
        Documents(database, catch_up, shower),
        Changes(database, catch_up, shower, groups),
        Passages(database, index),
        Retriever(database, index, embedder, SearchCache(redis, settings.retrieval), settings.retrieval),
        Standings(database),
    )
    models = ServedModels(embedder)
    kit.app.state.embedding_switch = EmbeddingSwitch(
        SwitchReports(database, models), former_indexes(settings, database, index, models)
    )
    kit.app.state.sources = Sources(
        groups,
        Inventories(database),
        WebPages(web_fetcher(settings), database, accepting, settings.max_upload_bytes),
        resumable_uploads(settings, database, accepting),
        SourceRegistry(database, s3_buckets(settings)),
    )
    kit.app.state.evaluations = Evaluations(QuestionSets(database), EvaluationRuns(database))
    kit.app.state.collections = Collections(database, groups)
    kit.app.state.lifecycle = Lifecycle(Originals(database, blobs), Reindexing(database), Exports(database, blobs))
    kit.app.state.glossary = Glossary(database)
    counts = UseCounts(database, today)
    kit.app.state.usage = Usage(counts, UseReports(database, today))
    counting = asyncio.create_task(counts.run())
    yield
    counts.stop()
    await counting
    await redis.aclose()
    await database.close()


def build(settings: Settings) -> FastAPI:
    largest_body = settings.max_upload_bytes + MULTIPART_SLACK_BYTES
    everything = APIRouter(dependencies=[Depends(require_known_parameters)])
    for one in (*ROUTERS, evaluations_router, embedding_switch_router, router):
        everything.include_router(one)
    return create_app("knowledge", settings, wire, [everything], max_body_bytes=largest_body)
