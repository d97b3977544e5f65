from collections.abc import AsyncIterator

import pytest

from libs.config.settings import Settings
from libs.stores.postgres import Database
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.ingestion import Ingester
from services.knowledge.parsing.sandbox import Sandbox
from tests.integration.services.knowledge.ingestion.held import HeldEmbedder, an_ingester


@pytest.fixture
def embedder() -> HeldEmbedder:
    return HeldEmbedder()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(1) as opened:
        yield opened


@pytest.fixture
async def ingester(
    clean_database: None, knowledge_settings: Settings, database: Database, embedder: HeldEmbedder, sandbox: Sandbox
) -> Ingester:
    index = LanceDbIndex(knowledge_settings.home / "knowledge", exact_below=1_000)
    return an_ingester(knowledge_settings, database, index, embedder, sandbox)
