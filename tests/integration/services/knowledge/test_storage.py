"""Bytes against the plan: counted once, given back once, whatever ends in between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text, update

from libs.clients.base import ServiceClient, service_http
from libs.clients.billing import BillingClient
from libs.config.settings import Settings
from libs.contracts.billing import StorageChange
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.security.tokens import ServiceTokens
from libs.stores.blobs import FolderBlobStore
from libs.stores.postgres import Database
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.models import RevisionRow
from services.knowledge.purge import Purger
from services.knowledge.search_cache import SearchCache
from services.knowledge.uploads import Uploads
from tests.integration.services.knowledge.conftest import NOBODY, People, Person, client_of, until, working

MakePerson = Callable[..., Person]
PLAN_BYTES = 100_000_000


@pytest.fixture
async def billing(knowledge_settings: Settings) -> AsyncIterator[BillingClient]:
    tokens = ServiceTokens("knowledge", knowledge_settings.secrets_dir)
    async with service_http() as http:
        yield BillingClient(ServiceClient("billing", knowledge_settings.url("billing"), tokens, http))


@pytest.fixture
def used(settings: Settings):
    """The bytes that billing counts for an organisation."""

    async def ask(organization_id: UUID) -> int:
        database = Database(settings, "billing")
        query = text(
            "SELECT coalesce(sum(quantity), 0) FROM billing.usage_records "
            "WHERE organization_id = :id AND resource = 'storage_bytes'"
        )
        async with database.transaction() as session:
            found = await session.scalar(query, {"id": organization_id})
        await database.close()
        return int(found or 0)

    return ask


async def fill(billing: BillingClient, organization_id: UUID, free: int) -> str:
    """Leaves `free` bytes of the plan; returns the event that can be undone."""
    event = f"test:{uuid4()}"
    change = StorageChange(event_id=event, organization_id=organization_id, delta_bytes=PLAN_BYTES - free)
    await billing.change_storage(change)
    return event


@asynccontextmanager
async def without_billing(settings: Settings, people: People) -> AsyncIterator[httpx.AsyncClient]:
    away = settings.model_copy(update={"service_urls": settings.service_urls | {"billing": NOBODY}})
    async with client_of(away, people) as http:
        yield http


def files(settings: Settings, organization_id: UUID) -> int:
    folder = settings.home / "blobs" / str(organization_id)
    return len([path for path in folder.rglob("*") if path.is_file()])


async def test_bytes_are_counted_while_kept_and_given_back_after(
    person: MakePerson, used, knowledge_settings: Settings
) -> None:
    alice = person()
    organization_id = alice.subject.organization_id
    async with working(knowledge_settings):
        first = await alice.add("x" * 100, external_id="a")
        second = await alice.add("x" * 100)
        assert await used(organization_id) == 200
        await alice.add("y" * 50, external_id="a")
        await until(used, organization_id, found=lambda bytes_used: bytes_used == 150)
        for document_id in (first, second):
            await alice.delete(f"/documents/{document_id}")
        assert await used(organization_id) == 150
        for document_id in (first, second):
            await alice.delete(f"/documents/{document_id}?purge=true")
        await until(used, organization_id, found=lambda bytes_used: bytes_used == 0)


async def test_a_full_plan_refuses_and_keeps_nothing(
    person: MakePerson, billing: BillingClient, used, knowledge_settings: Settings
) -> None:
    alice = person()
    organization_id = alice.subject.organization_id
    await fill(billing, organization_id, free=150)
    refused = await alice.post("/documents", json={"title": "Big", "text": "x" * 200})
    assert refused.status_code == 429
    assert refused.json()["code"] == "QUOTA_EXCEEDED"
    batch = [{"title": "One", "text": "x" * 100}, {"title": "Two", "text": "y" * 100}]
    assert (await alice.post("/documents/batch", json={"documents": batch})).status_code == 429
    assert (await alice.get("/documents")).json()["items"] == []
    assert files(knowledge_settings, organization_id) == 0
    async with working(knowledge_settings):
        await until(used, organization_id, found=lambda bytes_used: bytes_used == PLAN_BYTES - 150)
        await alice.add("x" * 150)
    assert await used(organization_id) == PLAN_BYTES


async def test_a_refused_replacement_changes_nothing(
    person: MakePerson, billing: BillingClient, knowledge_settings: Settings
) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    async with working(knowledge_settings):
        document_id = await alice.add("# Weir\n\nThe weir is old.", external_id="weir", category="water")
    await fill(billing, alice.subject.organization_id, free=60)
    before = (await alice.get(f"/documents/{document_id}")).json()
    body = {"title": "Weir", "text": "z" * 100, "external_id": "weir", "access": "private"}
    assert (await alice.post("/documents", json=body)).status_code == 429
    after = (await colleague.get(f"/documents/{document_id}")).json()
    assert {**after, "updated_at": None} == {**before, "updated_at": None}
    assert await colleague.contents("weir")


async def test_while_billing_is_away_uploads_wait_to_be_counted(
    person: MakePerson, people: People, used, knowledge_settings: Settings, database: Database, billing: BillingClient
) -> None:
    async with without_billing(knowledge_settings, people) as http:
        alice = people.person(http)
        document_id = await alice.send("# Late\n\nCounted late.")
        document = (await alice.get(f"/documents/{document_id}")).json()
        assert document["status"] == "pending"
        assert await used(alice.subject.organization_id) == 0
        await make_due(database)
        async with working(knowledge_settings):
            assert (await alice.finished(document_id))["status"] == "completed"
        assert await used(alice.subject.organization_id) == document["size_bytes"]


async def test_without_room_a_late_count_ends_as_failed(
    people: People, used, knowledge_settings: Settings, database: Database, billing: BillingClient
) -> None:
    async with without_billing(knowledge_settings, people) as http:
        alice = people.person(http)
        organization_id = alice.subject.organization_id
        await fill(billing, organization_id, free=10)
        document_id = await alice.send("x" * 100)
        await make_due(database)
        async with working(knowledge_settings):
            document = await alice.finished(document_id)
            # The file goes after the rows, of which the document tells.
            await until(asyncio.to_thread, files, knowledge_settings, organization_id, found=lambda left: left == 0)
        assert (document["status"], document["error"]["code"]) == ("failed", "quota_exceeded")
        assert await used(organization_id) == PLAN_BYTES - 10
        assert (await alice.delete(f"/documents/{document_id}?purge=true")).status_code == 204
        async with working(knowledge_settings):
            pass
        assert await used(organization_id) == PLAN_BYTES - 10


async def test_what_billing_cannot_count_is_bounded(people: People, knowledge_settings: Settings) -> None:
    ingestion = knowledge_settings.ingestion.model_copy(update={"uncounted_bytes": 150})
    bounded = knowledge_settings.model_copy(update={"ingestion": ingestion})
    async with without_billing(bounded, people) as http:
        alice = people.person(http)
        await alice.send("x" * 100)
        refused = await alice.post("/documents", json={"title": "More", "text": "y" * 100})
        assert refused.status_code == 503
        assert len((await alice.get("/documents")).json()["items"]) == 1
        assert files(knowledge_settings, alice.subject.organization_id) == 1


@pytest.mark.parametrize("counted_by_billing", [True, False])
async def test_a_crash_between_storing_and_counting_loses_neither(
    people: People, used, knowledge_settings: Settings, database: Database, billing: BillingClient,
    counted_by_billing: bool,
) -> None:  # fmt: skip
    """Deleted before anyone knew whether billing had counted it: in the end nothing is counted."""
    async with without_billing(knowledge_settings, people) as http:
        alice = people.person(http)
        organization_id = alice.subject.organization_id
        document_id = await alice.send("x" * 100)
        if counted_by_billing:
            async with database.transaction() as session:
                query = text("SELECT id FROM knowledge.revisions WHERE document_id = :id")
                revision_id = await session.scalar(query, {"id": document_id})
            event = f"revision:{revision_id}:kept"
            await billing.change_storage(
                StorageChange(event_id=event, organization_id=organization_id, delta_bytes=100)
            )
        assert (await alice.delete(f"/documents/{document_id}?purge=true")).status_code == 204
        async with working(knowledge_settings):
            await until(delivered, database, organization_id, found=bool)
        assert await used(organization_id) == 0
        assert files(knowledge_settings, organization_id) == 0


async def test_finishing_waits_while_billing_is_away(
    people: People, knowledge_settings: Settings, database: Database
) -> None:
    async with without_billing(knowledge_settings, people) as http, service_http() as pool:
        alice = people.person(http)
        document_id = await alice.send("x" * 100)
        await make_due(database)
        tokens = ServiceTokens("knowledge", knowledge_settings.secrets_dir)
        away = BillingClient(ServiceClient("billing", NOBODY, tokens, pool))
        blobs = FolderBlobStore(knowledge_settings.home / "blobs")
        uploads = Uploads(database, blobs, away, 1_000, 1_000)
        index = LanceDbIndex(knowledge_settings.home / "knowledge", exact_below=1_000)
        await Purger(database, index, uploads, cast("SearchCache", None), timedelta(days=30)).finish_half_accepted()
        async with database.transaction() as session:
            revision = await session.get_one(RevisionRow, await revision_of(session, document_id))
        assert revision.status == "accepting"
        with pytest.raises(FootnoteError) as error:
            await uploads.finish(revision)
        assert error.value.code is ErrorCode.UPSTREAM_UNAVAILABLE


async def revision_of(session, document_id: str) -> UUID:
    return await session.scalar(
        text("SELECT id FROM knowledge.revisions WHERE document_id = :id"), {"id": UUID(document_id)}
    )


async def make_due(database: Database) -> None:
    """As if the uploads that wait had come a minute ago."""
    async with database.transaction() as session:
        past = text("now() - interval '1 minute'")
        await session.execute(update(RevisionRow).where(RevisionRow.status == "accepting").values(created_at=past))


async def delivered(database: Database, organization_id: UUID) -> bool:
    query = text("SELECT count(*) FROM knowledge.outbox WHERE payload -> 'given_up' ->> 'organization_id' = :id")
    async with database.transaction() as session:
        return not await session.scalar(query, {"id": str(organization_id)})
