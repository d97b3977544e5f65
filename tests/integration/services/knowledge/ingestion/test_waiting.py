"""Whoever waits for a document learns what it waits for and until when, and nothing of that once it goes on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from libs.contracts.errors import overloaded, unavailable
from libs.stores.blobs import FolderBlobStore
from libs.stores.postgres import Database
from services.knowledge import ingestion, writing
from services.knowledge.ingestion import Ingester
from services.knowledge.large_work import SMALL_BYTES
from tests.integration.services.knowledge.conftest import Person, until
from tests.integration.services.knowledge.ingestion.held import HeldEmbedder, MakePerson, held_turn

FULL = OSError(28, "No space left on device")


@pytest.fixture(autouse=True)
def _long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_WAIT_S", "LONGEST_WAIT_S", "LONGEST_AFTER_TURN_S"):
        monkeypatch.setattr(ingestion, name, 1_000.0)


async def everywhere(person: Person, document_id: str) -> list[Any]:
    """What is said of its waiting by each address that shows documents."""
    listed = (await person.get("/documents")).json()["items"]
    states = (await person.post("/documents/states", json={"document_ids": [document_id]})).json()["items"]
    return [(await person.show(document_id))["waiting"], listed[0]["waiting"], states[0]["waiting"]]


async def go_on(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE knowledge.revisions SET lease_until = now() - interval '1 second'"))


def is_ahead(waiting: dict[str, Any]) -> bool:
    return timedelta() < datetime.fromisoformat(waiting["until"]) - datetime.now(UTC) <= timedelta(seconds=1_000)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (unavailable("embedding"), "embedding_away"),
        (overloaded("embedding"), "embedding_busy"),
        (FULL, "disk_full"),
        (RuntimeError("lance error: LanceError(IO): No space left on device (os error 28), x.rs:2:9"), "disk_full"),
        (ExceptionGroup("several", [OSError(5, "Input/output error")]), "store_away"),
    ],
)
async def test_what_was_away_is_told_until_it_is_tried_again(
    fault: Exception, code: str, ingester: Ingester, embedder: HeldEmbedder, person: MakePerson, database: Database
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    assert await everywhere(alice, document_id) == [None, None, None]
    embedder.error = fault
    with pytest.raises(type(fault)):
        await ingester.turn()
    told = await everywhere(alice, document_id)
    assert [(one["code"], is_ahead(one)) for one in told] == [(code, True)] * 3
    assert all(one["message"].endswith(".") for one in told)
    assert not await ingester.turn()
    embedder.error = None
    await go_on(database)
    turn = await held_turn(ingester, embedder)
    assert await everywhere(alice, document_id) == [None, None, None]
    assert embedder.wait
    embedder.wait.set()
    assert await turn
    assert await everywhere(alice, document_id) == [None, None, None]


async def test_one_document_whose_file_cannot_be_read_now_says_so(
    ingester: Ingester, person: MakePerson, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_store: FolderBlobStore, _organization_id: UUID, _sha256: str) -> Path:
        raise FULL

    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    with monkeypatch.context() as patch:
        patch.setattr(FolderBlobStore, "local_path", full)
        assert await ingester.turn()
    (told,) = {tuple(one.items()) for one in await everywhere(alice, document_id)}
    assert dict(told)["code"] == "disk_full"
    await go_on(database)
    assert (await alice.show(document_id))["waiting"]["until"] is None
    assert await ingester.turn()
    assert await everywhere(alice, document_id) == [None, None, None]


async def test_a_long_document_that_waits_half_written_says_so(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "WRITTEN_AT_ONCE", 4)
    monkeypatch.setattr(writing, "PAUSE_S", 0.01)
    alice = person()
    text_ = "\n\n".join(f"# Part {number}\n\nHeron {number} wades." for number in range(10))
    document_id = await alice.send(text_, "Herons")
    turn = await held_turn(ingester, embedder)
    embedder.error = unavailable("embedding")
    assert embedder.wait
    embedder.wait.set()
    shown = await until(alice.show, document_id, found=lambda one: one["waiting"])
    assert (shown["status"], shown["progress"]) == ("processing", {"done": 4, "total": 10})
    assert (shown["waiting"]["code"], shown["waiting"]["until"]) == ("embedding_away", None)
    embedder.error = None
    assert await turn
    assert (await alice.show(document_id))["waiting"] is None


async def test_a_large_document_behind_another_of_its_organisation_says_so(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson
) -> None:
    alice, bob = person(), person()
    large = "Otters swim." + "\n" * SMALL_BYTES
    await alice.send(large)
    turn = await held_turn(ingester, embedder)
    behind = await alice.send(f"{large}Herons wade.")
    small, others = await alice.send("Herons wade."), await bob.send(large)
    assert (await alice.show(behind))["waiting"]["code"] == "turn"
    assert [(await who.show(one))["waiting"] for who, one in ((alice, small), (bob, others))] == [None, None]
    assert embedder.wait
    embedder.wait.set()
    assert await turn
    assert (await alice.show(behind))["waiting"] is None


async def test_an_upload_that_billing_has_not_counted_says_so(
    person: MakePerson, database: Database, clean_database: None
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    waits = "UPDATE knowledge.revisions SET status = 'accepting', created_at = now() - interval '1 minute'"
    async with database.transaction() as session:
        await session.execute(text(waits))
    assert (await alice.show(document_id))["waiting"] == {
        "code": "not_counted",
        "message": "The billing service hasn't counted it yet.",
        "until": None,
    }


async def test_guests_and_the_bin_are_told_nothing(
    ingester: Ingester,
    embedder: HeldEmbedder,
    person: MakePerson,
    guest: Callable[..., Person],
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.", external_id="otter", access="public")
    assert await ingester.turn()
    await alice.send("# Otter\n\nOtters dive.", external_id="otter", access="public")
    embedder.error = unavailable("embedding")
    with pytest.raises(type(embedder.error)):
        await ingester.turn()
    assert (await alice.show(document_id))["waiting"]
    assert (await guest(alice.subject.organization_id).show(document_id))["waiting"] is None
    await alice.delete(f"/documents/{document_id}")
    (binned,) = (await alice.get("/documents", params={"deleted": "true"})).json()["items"]
    assert binned["waiting"] is None
