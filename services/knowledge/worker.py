"""The indexing process: `python -m services.knowledge.worker`."""

import asyncio
import signal
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from uuid import UUID

from sqlalchemy import func, select

from libs.clients.base import ServiceClient, service_http
from libs.clients.billing import BillingClient
from libs.clients.context import RequestContext, use_context
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import Settings, load_settings
from libs.contracts.billing import StorageChange
from libs.events.outbox import OutboxRelay
from libs.security.tokens import ServiceTokens
from libs.service.run import end_with_parent
from libs.stores.blobs import FolderBlobStore
from libs.stores.postgres import Database
from libs.stores.weights import WeightsStore
from libs.telemetry.logs import get_logger, setup_logs
from libs.telemetry.traces import setup_traces
from services.knowledge.documents import STORAGE_TOPIC, Documents
from services.knowledge.ingestion import Ingester
from services.knowledge.main import passage_index
from services.knowledge.models import OutboxRow, RevisionRow
from services.knowledge.parsing.sandbox import Sandbox
from services.knowledge.ports import PassageIndex
from services.knowledge.purge import Purger
from services.knowledge.tokens import TokenCounts

log = get_logger(__name__)

IDLE_S = 0.2
AFTER_FAILURE_S = 2.0
SWEEP_EVERY_S = 5.0
INDEXED_RECENTLY = timedelta(minutes=1)


async def work(settings: Settings) -> None:
    """Indexes, purges and tells billing until cancelled."""
    database = Database(settings, "knowledge")
    tokens = ServiceTokens("knowledge", settings.secrets_dir)
    async with service_http() as http, Sandbox(settings.ingestion.workers) as sandbox:
        billing = BillingClient(ServiceClient("billing", settings.url("billing"), tokens, http))
        embedder = EmbeddingClient(ServiceClient("embedding", settings.url("embedding"), tokens, http))
        blobs = FolderBlobStore(settings.home / "blobs")
        index = passage_index(settings)
        count_tokens = TokenCounts(WeightsStore(settings.models_dir).locate(settings.embedding.model))
        documents = Documents(database, blobs, billing, settings.max_upload_bytes)
        purger = Purger(database, index, blobs, documents)

        async def deliver_storage(payload: dict[str, object]) -> None:
            await billing.change_storage(StorageChange.model_validate(payload))

        relay = OutboxRelay(database, OutboxRow, {STORAGE_TOPIC: deliver_storage})
        ingesters = [
            Ingester(database, index, blobs, embedder, sandbox, count_tokens, settings.ingestion)
            for _ in range(settings.ingestion.workers)
        ]
        log.info("knowledge worker is ready")
        with use_context(RequestContext(lane="ingest")):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(relay.run())
                tasks.create_task(_sweep(purger, database, index))
                for ingester in ingesters:
                    tasks.create_task(_index(ingester))


async def _index(ingester: Ingester) -> None:
    while True:
        try:
            busy = await ingester.turn()
        except Exception as error:  # noqa: BLE001 - what failed is taken up again when its lease ends
            log.warning("indexing turn failed", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(AFTER_FAILURE_S)
            continue
        if not busy:
            await asyncio.sleep(IDLE_S)


async def _sweep(purger: Purger, database: Database, index: PassageIndex) -> None:
    """Purges, finishes half-accepted uploads, and folds recent writes into the index."""
    maintained_at: dict[UUID, float] = {}
    while True:
        try:
            await purger.purge_deleted()
            await purger.finish_half_accepted()
            for organization_id in await _recently_indexed(database):
                if monotonic() - maintained_at.get(organization_id, float("-inf")) > SWEEP_EVERY_S:
                    await index.maintain(organization_id)
                    maintained_at[organization_id] = monotonic()
        except Exception as error:  # noqa: BLE001 - the next sweep tries again
            log.warning("sweep failed", error=f"{type(error).__name__}: {error}")
        await asyncio.sleep(SWEEP_EVERY_S)


async def _recently_indexed(database: Database) -> list[UUID]:
    query = (
        select(RevisionRow.organization_id)
        .where(RevisionRow.status == "completed", RevisionRow.lease_until > func.now() - INDEXED_RECENTLY)
        .distinct()
    )
    async with database.transaction() as session:
        return list(await session.scalars(query))


async def _until_stopped(settings: Settings) -> None:
    working = asyncio.create_task(work(settings))
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(stop_signal, working.cancel)
    with suppress(asyncio.CancelledError):
        await working


def main() -> None:
    settings = load_settings()
    end_with_parent()
    setup_logs("knowledge-worker", settings.log_level)
    setup_traces("knowledge-worker")
    asyncio.run(_until_stopped(settings))


if __name__ == "__main__":
    main()
