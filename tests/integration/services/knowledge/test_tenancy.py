"""What nobody may see who may not: between organisations, between members, in every path."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from libs.contracts.identity import Role
from tests.integration.services.knowledge.conftest import Person

pytestmark = pytest.mark.usefixtures("worker")

MakePerson = Callable[..., Person]


async def sees(person: Person, document_id: str, chunk_id: str, marker: str) -> set[str]:
    """Every path that lets the person see the document."""
    paths: set[str] = set()
    for name, response in {
        "show": await person.get(f"/documents/{document_id}"),
        "passages": await person.get(f"/documents/{document_id}/passages"),
        "passage": await person.get(f"/documents/{document_id}/passages/{chunk_id}"),
        "list": await person.get("/documents"),
        "readable": await person.post("/internal/readable", json={"chunk_ids": [chunk_id]}),
        "served": await person.post("/internal/passages", json={"chunk_ids": [chunk_id]}),
        "lexical": await person.post("/search", json={"query": marker, "strategy": "lexical", "explain": True}),
        "vector": await person.post("/search", json={"query": marker, "strategy": "vector", "explain": True}),
        "hybrid": await person.post("/search", json={"query": marker, "explain": True, "group_by": "document"}),
        "retrieval": await person.post("/internal/retrievals", json={"query": marker, "top_k": 8}),
    }.items():
        assert response.status_code in {200, 404}, response.text
        if any(word in response.text for word in (document_id, chunk_id, marker)):
            # A 404 quotes the id that was asked for, and nothing else.
            if response.status_code == 404:
                assert marker not in response.text
                continue
            paths.add(name)
    return paths


async def added(person: Person, marker: str, **fields: object) -> tuple[str, str]:
    document_id = await person.add(f"# Plan\n\nThe code word is {marker}.", "Plan", **fields)
    page = (await person.get(f"/documents/{document_id}/passages")).json()
    return document_id, page["items"][0]["chunk_id"]


ALL = {"show", "passages", "passage", "list", "readable", "served", "lexical", "vector", "hybrid", "retrieval"}


async def test_two_organisations_with_the_same_names_never_see_each_other(person: MakePerson) -> None:
    alice, mallory = person(), person(role=Role.OWNER)
    ours, our_chunk = await added(alice, "zugzwang", external_id="plan")
    theirs, their_chunk = await added(mallory, "fianchetto", external_id="plan")
    assert await sees(alice, ours, our_chunk, "zugzwang") == ALL
    assert await sees(mallory, ours, our_chunk, "zugzwang") == set()
    assert await sees(alice, theirs, their_chunk, "fianchetto") == set()
    assert (await mallory.delete(f"/documents/{ours}")).status_code == 404


async def test_a_private_document_is_its_owners_alone(person: MakePerson) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    admin = person(alice.subject.organization_id, role=Role.ADMIN)
    document_id, chunk_id = await added(alice, "zugzwang", access="private")
    assert await sees(alice, document_id, chunk_id, "zugzwang") == ALL
    for other in (colleague, admin):
        assert await sees(other, document_id, chunk_id, "zugzwang") == set()


async def test_a_groups_document_is_its_members_and_its_owners(person: MakePerson) -> None:
    group = uuid4()
    alice = person(groups=frozenset({group}))
    organization_id = alice.subject.organization_id
    member = person(organization_id, groups=frozenset({group, uuid4()}))
    outsider = person(organization_id, groups=frozenset({uuid4()}))
    namesake = person(groups=frozenset({group}))
    document_id, chunk_id = await added(alice, "zugzwang", access={"groups": [str(group)]})
    assert await sees(alice, document_id, chunk_id, "zugzwang") == ALL
    assert await sees(member, document_id, chunk_id, "zugzwang") == ALL
    for other in (outsider, namesake):
        assert await sees(other, document_id, chunk_id, "zugzwang") == set()


async def test_a_member_opens_documents_to_own_groups_only(person: MakePerson) -> None:
    alice = person()
    body = {"title": "x", "text": "y", "access": {"groups": [str(uuid4())]}}
    assert (await alice.post("/documents", json=body)).status_code == 422
    admin = person(role=Role.OWNER)
    # An admin may name any that auth vouches for; auth isn't there to be asked.
    assert (await admin.post("/documents", json=body)).status_code == 503


async def test_the_same_bytes_in_two_organisations_say_nothing_of_each_other(person: MakePerson) -> None:
    text = "# Same\n\nIdentical bytes in two places: oystercatcher."
    alice, bob = person(), person()
    first, second = await alice.add(text), await bob.add(text)
    chunks = [(await one.search("oystercatcher"))[0]["chunk_id"] for one in (alice, bob)]
    assert first != second
    assert chunks[0] != chunks[1]
    await alice.delete(f"/documents/{first}")
    assert await bob.contents("oystercatcher")
