"""knowledge's composition root."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from libs.clients.billing import BillingClient
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import Settings
from libs.service.app import Kit, create_app
from libs.stores.blobs import FolderBlobStore
from libs.stores.postgres import Database
from libs.stores.weights import WeightsStore
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.documents import Documents
from services.knowledge.passages import Passages
from services.knowledge.retrieval import Retriever
from services.knowledge.routes import Knowledge, router
from services.knowledge.tokens import embedding_dimension

MULTIPART_SLACK_BYTES = 2_097_152


def passage_index(settings: Settings) -> LanceDbIndex:
    folder = WeightsStore(settings.models_dir).locate(settings.embedding.model)
    return LanceDbIndex(settings.home / "knowledge", embedding_dimension(folder), settings.retrieval.exact_below)


@asynccontextmanager
async def wire(kit: Kit) -> AsyncGenerator[None]:
    settings = kit.settings
    database = Database(settings, "knowledge")
    kit.health.add("postgres", database.ping)
    blobs = FolderBlobStore(settings.home / "blobs")
    index = passage_index(settings)
    embedder = EmbeddingClient(kit.client("embedding"))
    kit.app.state.knowledge = Knowledge(
        Documents(database, blobs, BillingClient(kit.client("billing")), settings.max_upload_bytes),
        Passages(database, index, blobs),
        Retriever(database, index, embedder, settings.retrieval),
    )
    yield
    await database.close()


def build(settings: Settings) -> FastAPI:
    largest_body = settings.max_upload_bytes + MULTIPART_SLACK_BYTES
    return create_app("knowledge", settings, wire, [router], max_body_bytes=largest_body)
