"""Documents under one name share its access, unless they have their own."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from libs.contracts.identity import Role
from tests.integration.services.knowledge.conftest import Person

pytestmark = pytest.mark.usefixtures("worker")

MakePerson = Callable[..., Person]


async def made(person: Person, name: str = "Birds", **fields: Any) -> str:
    answer = await person.post("/documents/collections", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["collection_id"]


async def changed(person: Person, path: str, **changes: Any) -> dict[str, Any]:
    answer = await person.patch(path, json=changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def seen(person: Person, query: str) -> set[str]:
    return {
        result["title"]
        for strategy in ("lexical", "vector")
        for result in await person.search(query, strategy=strategy)
    }


async def test_all_documents_of_a_collection_change_with_it_in_the_next_query(person: MakePerson) -> None:
    group = uuid4()
    alice = person(groups=frozenset({group}))
    colleague = person(alice.subject.organization_id)
    member = person(alice.subject.organization_id, groups=frozenset({group}))
    birds = await made(alice, access="private")
    await alice.add("Herons wade.", "One", collection_id=birds)
    await alice.add("Herons fish.", "Two", collection_id=birds)
    await alice.add("Herons nest.", "Open", collection_id=birds, access="organization")
    await alice.add("Herons sleep.", "Closed", collection_id=birds, access="private")
    mine = {"One", "Two", "Open", "Closed"}
    path = f"/documents/collections/{birds}"
    for access, colleagues, members in (
        ("private", {"Open"}, {"Open"}),
        ("organization", {"One", "Two", "Open"}, {"One", "Two", "Open"}),
        ({"groups": [str(group)]}, {"Open"}, {"One", "Two", "Open"}),
        ("private", {"Open"}, {"Open"}),
    ):
        await changed(alice, path, access=access)
        assert [await seen(one, "herons") for one in (alice, colleague, member)] == [mine, colleagues, members]
        listed = [item["title"] for item in (await colleague.get("/documents")).json()["items"]]
        assert set(listed) == colleagues
    assert (await alice.get(path)).json()["documents"] == 4


async def test_a_document_moves_and_its_access_with_it(person: MakePerson) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    closed, opened = await made(alice, "Closed", access="private"), await made(alice, "Open")
    document_id = await alice.add("Herons wade.", "One")
    path = f"/documents/{document_id}"
    assert await seen(colleague, "herons")
    moved = await changed(alice, path, collection_id=closed)
    assert (moved["access"], moved["inherits_access"], moved["collection_id"]) == ("private", True, closed)
    assert not await seen(colleague, "herons")
    await changed(alice, path, collection_id=opened)
    assert await seen(colleague, "herons")
    await changed(alice, path, collection_id=closed)
    out = await changed(alice, path, collection_id=None)
    assert (out["access"], out["inherits_access"], out["collection_id"]) == ("private", False, None)
    assert not await seen(colleague, "herons")
    await changed(alice, path, access=None)
    assert await seen(colleague, "herons")


async def test_a_new_content_moves_between_collections_and_is_never_open_too_early(person: MakePerson) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    closed, opened = await made(alice, "Closed", access="private"), await made(alice, "Open")
    document_id = await alice.add("Secret herons.", "One", external_id="one", collection_id=closed)
    await alice.add("Public herons.", "One", external_id="one", collection_id=opened)
    assert await colleague.contents("herons") == ["Public herons."]
    await alice.add("Newer herons.", "One", external_id="one")
    assert await colleague.contents("herons") == ["Newer herons."]
    await alice.add("Herons of none.", "One", external_id="one", collection_id=None)
    shown = await alice.show(document_id)
    assert (shown["collection_id"], shown["access"], shown["inherits_access"]) == (None, "organization", False)


async def test_a_collection_is_seen_and_changed_by_who_manages_it_alone(person: MakePerson) -> None:
    alice = person()
    organization_id = alice.subject.organization_id
    bob, admin, stranger = person(organization_id), person(organization_id, role=Role.ADMIN), person(role=Role.OWNER)
    opened, closed = await made(alice, "Open"), await made(alice, "Closed", access="private")
    for one, names in ((alice, ["Closed", "Open"]), (bob, []), (admin, ["Open"]), (stranger, [])):
        listed = (await one.get("/documents/collections")).json()["items"]
        assert [item["name"] for item in listed] == names
    for one, collection in ((bob, opened), (bob, closed), (admin, closed), (stranger, opened)):
        path = f"/documents/collections/{collection}"
        assert (await one.get(path)).status_code == 404
        assert (await one.patch(path, json={"access": "organization"})).status_code == 404
        assert (await one.delete(path)).status_code == 404
        sent = await one.post("/documents", json={"title": "x", "text": "y", "collection_id": collection})
        assert sent.status_code == 422
        assert sent.json()["details"]["fields"][0]["field"] == "collection_id"
    assert (await changed(admin, f"/documents/collections/{opened}", name="Renamed"))["name"] == "Renamed"
    foreign = {"access": {"groups": [str(uuid4())]}}
    assert (await alice.patch(f"/documents/collections/{opened}", json=foreign)).status_code == 422
    assert (await alice.post("/documents/collections", json={"name": "x", **foreign})).status_code == 422
    assert (await alice.post("/documents/collections", json={"name": ""})).status_code == 422
    assert (await alice.patch(f"/documents/collections/{opened}", json={"access": None})).status_code == 422


async def test_a_collection_goes_only_when_it_is_empty(person: MakePerson) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    birds = await made(alice, access="private")
    document_id = await alice.add("Herons wade.", "One", collection_id=birds)
    refused = await alice.delete(f"/documents/collections/{birds}")
    assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")
    await alice.delete(f"/documents/{document_id}")
    assert (await alice.delete(f"/documents/collections/{birds}")).status_code == 204
    assert (await alice.get(f"/documents/collections/{birds}")).status_code == 404
    restored = (await alice.post(f"/documents/{document_id}/restore")).json()
    assert (restored["collection_id"], restored["access"]) == (None, "private")
    assert not await seen(colleague, "herons")
    assert await seen(alice, "herons")
