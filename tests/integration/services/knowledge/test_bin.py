"""Deleted documents: kept whole, brought back at once, and in the end gone to the last byte."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from libs.config.settings import Settings
from libs.contracts.identity import Role
from libs.stores.postgres import Database
from tests.integration.services.knowledge.conftest import Person, until, working
from tests.integration.services.knowledge.traces import holding, kept_in_redis, rows_holding

pytestmark = pytest.mark.usefixtures("frequent_sweeps")

MakePerson = Callable[..., Person]
PAGE = "# Heron\n\nThe heron stands at the weir."
OTHERS = 10


async def binned(person: Person) -> list[str]:
    return [item["document_id"] for item in (await person.get("/documents?deleted=true")).json()["items"]]


@pytest.mark.usefixtures("worker")
async def test_a_deleted_document_comes_back_as_it_was(person: MakePerson) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    document_id = await alice.add(PAGE, external_id="heron", tags=["a"])
    before, found = await alice.show(document_id), await alice.search("heron")
    assert (await alice.delete(f"/documents/{document_id}")).status_code == 204
    assert await colleague.search("heron") == []
    assert (await alice.get(f"/documents/{document_id}")).status_code == 404
    assert (await alice.get("/documents")).json()["items"] == []
    in_bin = (await alice.get("/documents?deleted=true")).json()["items"][0]
    assert in_bin["document_id"] == document_id
    assert in_bin["deleted_at"] < in_bin["purge_at"]
    restored = await alice.post(f"/documents/{document_id}/restore")
    assert restored.status_code == 200
    assert {**restored.json(), "updated_at": None} == {**before, "updated_at": None}
    for strategy in ("lexical", "vector"):
        assert [one["chunk_id"] for one in await colleague.search("heron", strategy=strategy)] == [
            one["chunk_id"] for one in found
        ]
    assert await binned(alice) == []
    assert (await alice.post(f"/documents/{document_id}/restore")).status_code == 404


async def test_what_waits_when_it_is_deleted_waits_on_and_is_indexed_after(
    person: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    document_id = await alice.send(PAGE)
    await alice.delete(f"/documents/{document_id}")
    async with working(knowledge_settings):
        await alice.add("# Other\n\nAnother page.")
        await alice.post(f"/documents/{document_id}/restore")
        assert (await alice.finished(document_id))["status"] == "completed"
        assert await alice.contents("heron")


@pytest.mark.usefixtures("worker")
async def test_the_bin_shows_what_one_may_bring_back(person: MakePerson) -> None:
    alice = person()
    organization_id = alice.subject.organization_id
    bob, admin, stranger = person(organization_id), person(organization_id, role=Role.ADMIN), person(role=Role.OWNER)
    opened, closed = await alice.add(PAGE), await alice.add(PAGE, access="private")
    for document_id in (opened, closed):
        await alice.delete(f"/documents/{document_id}")
    bins = [set(await binned(one)) for one in (alice, admin, bob, stranger)]
    assert bins == [{opened, closed}, {opened}, set(), set()]
    for one, document_id in ((bob, opened), (admin, closed), (stranger, opened)):
        assert (await one.post(f"/documents/{document_id}/restore")).status_code == 404
        assert (await one.delete(f"/documents/{document_id}?purge=true")).status_code == 404
    assert (await admin.post(f"/documents/{opened}/restore")).status_code == 200


@pytest.mark.usefixtures("worker")
async def test_a_name_that_was_taken_meanwhile_is_not_taken_back(person: MakePerson) -> None:
    alice = person()
    old = await alice.add(PAGE, external_id="heron")
    await alice.delete(f"/documents/{old}")
    new = await alice.add("# Heron\n\nThe heron has flown.", external_id="heron")
    assert new != old
    refused = await alice.post(f"/documents/{old}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")
    assert "'heron'" in refused.json()["message"]
    assert len(await alice.search("heron")) == 1
    await alice.delete(f"/documents/{new}")
    assert (await alice.post(f"/documents/{old}/restore")).status_code == 200
    assert await alice.contents("heron weir") == [PAGE.split("\n\n")[1]] or await alice.contents("heron weir")


@pytest.mark.parametrize("expires", [False, True], ids=["at once", "when the bin's time is over"])
async def test_purging_leaves_no_byte(
    person: MakePerson,
    knowledge_settings: Settings,
    database: Database,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    *,
    expires: bool,
) -> None:
    """Among many that stay, replaced before, changed before: neither files, index, rows, cache nor exports know of it."""
    monkeypatch.setattr("services.knowledge.purge.READERS_FINISH", timedelta(seconds=0.3))
    monkeypatch.setattr("services.knowledge.worker.BIN_EVERY_S", 0.2)
    alice = person()
    marker = "quetzalmarkerone" if expires else "quetzalmarkertwo"
    text_of = f"# {marker}\n\nOnly the {marker} lives here."
    home = knowledge_settings.home
    async with working(knowledge_settings):
        others = [{"title": f"T{n}", "text": f"Heron {n} stays at the weir."} for n in range(OTHERS)]
        kept = (await alice.post("/documents/batch", json={"documents": others})).json()["items"]
        for item in kept:
            await alice.finished(item["document_id"])
        document_id = await alice.add(f"Older words of {marker}.", marker, external_id=marker, metadata={"m": marker})
        await alice.add(text_of, marker, external_id=marker, category=marker, tags=[marker], source=marker)
        await alice.patch(f"/documents/{document_id}", json={"title": f"{marker} named"})
        assert await alice.contents(marker)
        assert await alice.contents(marker, strategy="lexical")
        assert await kept_in_redis(redis, marker.encode())
        assert holding(home, marker.encode())
        assert await rows_holding(database, marker)
        if expires:
            await alice.delete(f"/documents/{document_id}")
            async with database.transaction() as session:
                past = "UPDATE knowledge.documents SET deleted_at = now() - interval '31 days' WHERE id = :id"
                await session.execute(text(past), {"id": UUID(document_id)})
        else:
            assert (await alice.delete(f"/documents/{document_id}?purge=true")).status_code == 204
            assert await alice.contents(marker, strategy="lexical") == []
            assert document_id not in await binned(alice)

        async def left() -> list[str]:
            rows = await rows_holding(database, marker)
            return holding(home, marker.encode()) + rows + await kept_in_redis(redis, marker.encode())

        await until(left, found=lambda names: not names)
        assert len(await alice.search("heron weir", top_k=100)) == OTHERS


async def test_the_bin_is_not_emptied_early(
    person: MakePerson, knowledge_settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.knowledge.worker.BIN_EVERY_S", 0.1)
    alice = person()
    async with working(knowledge_settings):
        early, late = await alice.add(PAGE), await alice.add(PAGE)
        for document_id, days in ((early, 29), (late, 31)):
            await alice.delete(f"/documents/{document_id}")
            async with database.transaction() as session:
                past = f"UPDATE knowledge.documents SET deleted_at = now() - interval '{days} days' WHERE id = :id"  # noqa: S608 - a number of ours
                await session.execute(text(past), {"id": UUID(document_id)})
        await until(binned, alice, found=lambda ids: late not in ids)
        assert await binned(alice) == [early]
        assert (await alice.post(f"/documents/{early}/restore")).status_code == 200
        assert (await alice.post(f"/documents/{late}/restore")).status_code == 404
        assert len(await alice.search("heron")) == 1
