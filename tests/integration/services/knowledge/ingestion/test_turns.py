"""A turn indexes what was claimed, and puts back what was cut short."""

import asyncio
from contextlib import suppress
from uuid import UUID

import psutil
import pytest
from sqlalchemy import text

from libs.config.settings import Settings
from libs.stores.postgres import Database
from services.knowledge import queue, repository
from services.knowledge.embedding_switch import indexes
from services.knowledge.ingestion import Ingester
from tests.integration.services.knowledge.ingestion.held import HeldEmbedder, MakePerson, held_turn, status, version

CHILD = "services.knowledge.parsing.child"


async def test_a_turn_indexes_what_waits(ingester: Ingester, person: MakePerson) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.", "Otter")
    assert await status(alice, document_id) == "pending"
    assert await ingester.turn()
    assert await status(alice, document_id) == "completed"
    assert not await ingester.turn()


async def test_no_process_reads_two_organisations_documents(ingester: Ingester, person: MakePerson) -> None:
    parsers: list[set[int]] = []
    for one in (person(), person()):
        await one.send("# Otter\n\nOtters swim.")
        assert await ingester.turn()
        parsers.append({child.pid for child in psutil.Process().children() if CHILD in child.cmdline()})
    assert len(parsers[1] - parsers[0]) == 1


async def test_a_document_that_keeps_failing_the_program_ends_as_failed_alone(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson
) -> None:
    alice = person()
    poison = await alice.send("# Poison\n\nEnds the program.")
    embedder.error = RuntimeError("a fault of the program")
    for _ in range(queue.MAX_ATTEMPTS):
        with pytest.raises(RuntimeError):
            await ingester.turn()
    good = await alice.send("# Otter\n\nOtters swim.")
    embedder.error = None
    while await ingester.turn():
        pass
    assert await status(alice, good) == "completed"
    document = (await alice.get(f"/documents/{poison}")).json()
    assert (document["status"], document["error"]["code"]) == ("failed", "crashed")


async def test_stopping_puts_the_work_back_at_once(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    turn = await held_turn(ingester, embedder)
    assert await status(alice, document_id) == "processing"
    turn.cancel()
    with suppress(asyncio.CancelledError):
        await turn
    embedder.wait = None
    assert await ingester.turn()
    assert await status(alice, document_id) == "completed"


async def test_a_worker_that_lost_its_lease_publishes_nothing(
    ingester: Ingester,
    embedder: HeldEmbedder,
    person: MakePerson,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It isn't renewed meanwhile: that would give it back what it is about to lose.
    monkeypatch.setattr("services.knowledge.ingestion.RENEWALS", 0.01)
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    slow = await held_turn(ingester, embedder)
    async with database.transaction() as session:
        await session.execute(text("UPDATE knowledge.revisions SET lease_until = now() - interval '1 second'"))
    held, embedder.wait = embedder.wait, None
    assert await ingester.turn()
    served = await version(database, document_id)
    held.set()
    await slow
    assert await version(database, document_id) == served
    page = (await alice.get(f"/documents/{document_id}/passages")).json()
    assert len(page["items"]) == (await alice.get(f"/documents/{document_id}")).json()["chunk_count"]


async def test_what_was_written_to_an_index_that_gave_way_is_written_to_the_new_one(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson, database: Database
) -> None:
    alice = person()
    await alice.send("# Otter\n\nOtters swim.")
    assert await ingester.turn()
    document_id = await alice.send("# Heron\n\nHerons wade.")
    turn = await held_turn(ingester, embedder)
    organization_id = alice.subject.organization_id
    async with database.transaction() as session:
        await repository.lock_organization(session, organization_id)
        await indexes.begin(session, organization_id, "@arithmetic", serving=False)
        await indexes.switch(session, organization_id, 1)
    embedder.wait.set()
    assert await turn
    assert await status(alice, document_id) != "completed"
    assert await ingester.turn()
    assert await status(alice, document_id) == "completed"
    assert await alice.contents("heron", strategy="lexical") == ["Heron\n\nHerons wade."]


async def test_a_missing_original_fails_its_document_only(
    ingester: Ingester, person: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    lost, kept = await alice.send("# Lost\n\nGone."), await alice.send("# Kept\n\nHere.")
    folder = knowledge_settings.home / "blobs" / str(alice.subject.organization_id)
    next(path for path in folder.rglob("*") if path.is_file() and b"Gone" in path.read_bytes()).unlink()
    assert await ingester.turn()
    assert [await status(alice, one) for one in (lost, kept)] == ["failed", "completed"]


async def test_several_contents_of_one_document_in_one_turn_end_with_the_newest(
    ingester: Ingester, person: MakePerson, database: Database
) -> None:
    alice = person()
    first = await alice.send("# Otter\n\nOtters swim.", external_id="otter")
    other = await alice.send("# Heron\n\nHerons wade.")
    assert await ingester.turn()
    for words in ("Otters dive.", "Otters sleep.", "Otters play."):
        assert await alice.send(f"# Otter\n\n{words}", external_id="otter") == first
    assert await ingester.turn()
    assert not await ingester.turn()
    assert [await status(alice, one) for one in (first, other)] == ["completed", "completed"]
    assert await alice.contents("otters", strategy="lexical") == ["Otter\n\nOtters play."]
    async with database.transaction() as session:
        left = await session.scalars(
            text("SELECT number FROM knowledge.revisions WHERE document_id = :id"), {"id": UUID(first)}
        )
        assert list(left) == [4]
        told = text(
            "SELECT payload->'given_up'->>'event_id' FROM knowledge.outbox WHERE topic = 'content-given-up'"
            " AND payload->'given_up'->>'organization_id' = :id"
        )
        given_up = list(await session.scalars(told, {"id": str(alice.subject.organization_id)}))
    assert len(given_up) == len(set(given_up)) == 3


async def test_a_turn_keeps_each_documents_text(ingester: Ingester, person: MakePerson, database: Database) -> None:
    alice = person()
    texts = {name: f"{name} has words of its own." for name in ("Otter", "Heron", "Adder")}
    sent = {name: await alice.send(text_, external_id=name) for name, text_ in texts.items()}
    assert await ingester.turn()
    texts["Heron"] = "Heron has other words now."
    await alice.send(texts["Heron"], external_id="Heron")
    assert await ingester.turn()
    async with database.transaction() as session:
        kept = await session.execute(text("SELECT document_id, content FROM knowledge.texts"))
        by_id = {row.document_id: row.content for row in kept}
    assert {name: by_id[UUID(document_id)] for name, document_id in sent.items()} == texts
