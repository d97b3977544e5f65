"""What the holders of share links read: what is public, from the next query on, and no sign of anything else."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from libs.contracts.identity import Role
from tests.integration.services.knowledge.conftest import Person

pytestmark = pytest.mark.usefixtures("worker")

MakePerson = Callable[..., Person]

QUESTION = "Where does the heron stand?"


async def sees(guest: Person, document_id: str) -> bool:
    """Whether a guest finds, lists and opens a document; all of it or nothing."""
    found = [one["document_id"] for one in await guest.search(QUESTION)]
    listed = [one["document_id"] for one in (await guest.get("/documents")).raise_for_status().json()["items"]]
    statuses = {(await guest.get(f"/documents/{document_id}{path}")).status_code for path in ("", "/passages")}
    seen = {document_id in found, document_id in listed, statuses == {200}}
    assert len(seen) == 1, (found, listed, statuses)
    return seen.pop()


async def test_opening_and_closing_counts_in_the_next_query(person: MakePerson, guest: MakePerson) -> None:
    alice = person()
    visitor = guest(alice.subject.organization_id)
    document_id = await alice.add("The heron stands at the weir.")
    for access in ("organization", "public", "private", "public", "organization"):
        changed = await alice.patch(f"/documents/{document_id}", json={"access": access})
        assert changed.json()["access"] == access
        assert await sees(visitor, document_id) == (access == "public")
        assert await sees(alice, document_id)


async def test_a_collection_is_opened_and_closed_with_all_that_inherits(person: MakePerson, guest: MakePerson) -> None:
    alice = person()
    visitor = guest(alice.subject.organization_id)
    made = await alice.post("/documents/collections", json={"name": "Birds", "access": "private"})
    collection_id = made.json()["collection_id"]
    inherits = await alice.add("The heron stands at the weir.", collection_id=collection_id)
    own = await alice.add("A heron stands in the reeds.", collection_id=collection_id, access="organization")
    path = f"/documents/collections/{collection_id}"
    for access in ("public", "organization", "public"):
        assert (await alice.patch(path, json={"access": access})).status_code == 200
        assert await sees(visitor, inherits) == (access == "public")
        assert not await sees(visitor, own)
    # Leaving the collection keeps what held.
    await alice.patch(f"/documents/{inherits}", json={"collection_id": None})
    assert (await alice.show(inherits))["access"] == "public"
    assert await sees(visitor, inherits)


async def test_where_a_document_came_from_is_the_members_business(person: MakePerson, guest: MakePerson) -> None:
    alice = person()
    visitor = guest(alice.subject.organization_id)
    said = {"external_id": "desk-7", "source": "s3://vault/heron.md", "metadata": {"desk": 7}}
    document_id = await alice.add("The heron stands at the weir.", access="public", **said)
    shown = await visitor.show(document_id)
    assert (shown["external_id"], shown["source"], shown["metadata"]) == (None, None, {"desk": 7})
    assert [one["external_id"] for one in await visitor.search(QUESTION)] == [None]
    assert [one["external_id"] for one in await alice.search(QUESTION)] == ["desk-7"]
    for filters in ({"source": said["source"]}, {"external_ids": ["desk-7"]}, {"collection_id": str(uuid4())}):
        refused = await visitor.post("/search", json={"query": QUESTION, "filters": filters})
        assert refused.status_code == 403
    assert (await visitor.get("/documents", params={"source": said["source"]})).status_code == 403
    assert await visitor.search(QUESTION, filters={"metadata": {"desk": 7}})


async def test_a_link_to_collections_leads_nowhere_else(person: MakePerson, guest: MakePerson) -> None:
    alice = person()
    made = [await alice.post("/documents/collections", json={"name": name, "access": "public"}) for name in "ab"]
    here, there = [one.json()["collection_id"] for one in made]
    documents = [
        await alice.add("The heron stands at the weir."[:-number], access=access, collection_id=place)
        for number, (access, place) in enumerate(
            [
                (None, here),
                ("public", here),
                ("organization", here),
                (None, there),
                ("public", there),
                ("public", None),
            ],
            start=1,
        )
    ]
    visitor = guest(alice.subject.organization_id, [here])
    assert [await sees(visitor, one) for one in documents] == [True, True, False, False, False, False]
    await alice.patch(f"/documents/{documents[5]}", json={"collection_id": here})
    assert await sees(visitor, documents[5])
    await alice.patch(f"/documents/{documents[1]}", json={"collection_id": there})
    assert not await sees(visitor, documents[1])
    assert not await sees(guest(alice.subject.organization_id, [str(uuid4())]), documents[0])
    assert not await sees(guest(uuid4(), [here]), documents[0])


async def test_a_guest_can_not_tell_what_else_there_is(person: MakePerson, guest: MakePerson) -> None:
    alice = person(role=Role.ADMIN)
    visitor = guest(alice.subject.organization_id)
    public = await alice.add("The heron stands at the weir.", access="public")
    lexical = {"query": "heron", "strategy": "lexical"}
    before = (await visitor.post("/search", json=lexical)).json()
    hidden = [await alice.add(f"Herons, heron number {number}.", access="organization") for number in range(3)]
    # BM25 counts every document: a score of its own would change with what is hidden.
    assert (await visitor.post("/search", json=lexical)).json() == before
    assert (await visitor.post("/search", json={**lexical, "explain": True})).status_code == 403
    chunk = (await alice.get(f"/documents/{hidden[0]}/passages")).json()["items"][0]["chunk_id"]
    for path in ("{}", "{}/passages", "{}/passages/" + chunk):
        answers = [await visitor.get("/documents/" + path.format(one)) for one in (hidden[0], uuid4())]
        words = {one.text.replace(hidden[0], "").split("request_id")[0][:40] for one in answers}
        assert [one.status_code for one in answers] == [404, 404]
        assert len(words) == 1, words
    assert (await visitor.get(f"/documents/{public}/passages/{chunk}")).status_code == 404


async def test_a_guest_may_only_read(person: MakePerson, guest: MakePerson) -> None:
    """The service itself refuses what the gateway would have."""
    alice = person()
    visitor = guest(alice.subject.organization_id)
    for method, path in (
        ("POST", "/documents"),
        ("POST", "/documents/export"),
        ("GET", "/documents/collections"),
        ("GET", "/documents/inventory"),
        ("GET", "/documents/formats"),
        ("GET", f"/documents/{uuid4()}/original"),
        ("DELETE", f"/documents/{uuid4()}"),
        ("PATCH", f"/documents/{uuid4()}"),
        ("POST", "/internal/retrievals"),
        ("POST", "/internal/readable"),
        ("POST", "/internal/passages"),
    ):
        body = {"json": {}} if method in {"POST", "PATCH"} else {}
        answer = await visitor.http.request(method, path, headers=visitor.headers, **body)
        assert answer.status_code == 403, (method, path, answer.text)
