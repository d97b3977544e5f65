"""What is said of a document changes in one call, and the next query knows."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from libs.config.settings import Settings
from libs.contracts.identity import Role
from libs.stores.postgres import Database
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from tests.integration.services.knowledge.conftest import NOBODY, People, Person, client_of, until, working

MakePerson = Callable[..., Person]
PAGE = "# Heron\n\nThe heron stands at the weir."


async def change(person: Person, document_id: str, **changes: Any) -> dict[str, Any]:
    answer = await person.patch(f"/documents/{document_id}", json=changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def found(person: Person, query: str = "heron weir", **fields: Any) -> bool:
    """By words and by meaning alike."""
    by = [bool(await person.search(query, strategy=strategy, **fields)) for strategy in ("lexical", "vector")]
    assert by[0] == by[1]
    return by[0]


@pytest.mark.usefixtures("worker")
async def test_access_counts_with_the_next_query_and_nothing_is_embedded_again(
    person: MakePerson, people: People, knowledge_settings: Settings
) -> None:
    """The change is made through a service that finds no embedding to ask."""
    group = uuid4()
    alice = person(groups=frozenset({group}))
    colleague = person(alice.subject.organization_id)
    member = person(alice.subject.organization_id, groups=frozenset({group}))
    document_id = await alice.add(PAGE, access="private")
    away = {**knowledge_settings.service_urls, "embedding": NOBODY}
    async with client_of(knowledge_settings.model_copy(update={"service_urls": away}), people) as http:
        at_work = Person(alice.subject, http, alice.headers)
        for access, readers in (
            ("organization", {"alice", "colleague", "member"}),
            ({"groups": [str(group)]}, {"alice", "member"}),
            ("private", {"alice"}),
            (None, {"alice", "colleague", "member"}),
        ):
            await change(at_work, document_id, access=access)
            who = {"alice": alice, "colleague": colleague, "member": member}
            assert {name for name, one in who.items() if await found(one)} == readers
            shown = {n for n, one in who.items() if (await one.get(f"/documents/{document_id}")).status_code == 200}
            assert shown == readers


@pytest.mark.usefixtures("worker")
async def test_attributes_change_filter_and_are_cleared(person: MakePerson) -> None:
    alice = person()
    document_id = await alice.add(PAGE, category="birds", tags=["old"], metadata={"pages": 3}, source="wiki")
    chunk_ids = [one["chunk_id"] for one in await alice.search("heron")]
    changed = await change(
        alice,
        document_id,
        title="Egret 'n' friends",
        category="it's water",
        tags=["a", "b'"],
        metadata={"year": 2024, "draft": False, "place": "weir", "score": 0.5},
        source="https://example.org/heron",
    )
    expected = {
        "title": "Egret 'n' friends",
        "category": "it's water",
        "tags": ["a", "b'"],
        "metadata": {"year": 2024, "draft": False, "place": "weir", "score": 0.5},
        "source": "https://example.org/heron",
        "language": "en",
        "status": "completed",
    }
    assert {name: changed[name] for name in expected} == expected
    assert await alice.show(document_id) == changed
    assert await found(alice, filters={"category": "it's water", "tags": ["b'"]})
    assert not await found(alice, filters={"category": "birds"})
    assert [one["title"] for one in await alice.search("egret friends", strategy="lexical")] == ["Egret 'n' friends"]
    assert [one["chunk_id"] for one in await alice.search("heron")] == chunk_ids
    cleared = await change(alice, document_id, category=None, tags=None, metadata=None, source=None)
    assert [cleared[name] for name in ("category", "tags", "metadata", "source")] == [None, [], {}, None]
    assert cleared["title"] == "Egret 'n' friends"
    assert not await found(alice, filters={"tags": ["a"]})
    assert await found(alice)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"title": None}, "title"),
        ({"title": ""}, "title"),
        ({"title": "a\x00"}, "title"),
        ({"tags": ["x" * 121]}, "tags"),
        ({"access": "everyone"}, "access"),
        ({"access": {"groups": [str(uuid4())]}}, "access.groups"),
        ({"collection_id": str(uuid4())}, "collection_id"),
        ({"metadata": {"Big": 1}}, "metadata"),
        ({"metadata": {"a": None}}, "metadata.a"),
        ({"metadata": {"a": ["x"]}}, "metadata.a"),
        ({"metadata": {"a": "x" * 501}}, "metadata.a"),
        ({"metadata": {"a": "\x00"}}, "metadata.a"),
        ({"metadata": {"a": 10**30}}, "metadata.a"),
        ({"metadata": {f"k{n}": n for n in range(21)}}, "metadata"),
    ],
)
async def test_a_bad_change_is_refused_by_name_and_changes_nothing(
    person: MakePerson, body: dict[str, Any], field: str
) -> None:
    alice = person()
    document_id = await alice.send(PAGE)
    answer = await alice.patch(f"/documents/{document_id}", json={"category": "new", **body})
    assert answer.status_code == 422
    assert answer.json()["details"]["fields"][0]["field"].startswith(field)
    shown = await alice.show(document_id)
    unchanged = {"category": None, "title": "A page", "tags": [], "access": "organization", "metadata": {}}
    assert {name: shown[name] for name in unchanged} == unchanged


async def test_only_who_may_manage_a_document_changes_it(person: MakePerson) -> None:
    alice = person()
    organization_id = alice.subject.organization_id
    colleague, admin = person(organization_id), person(organization_id, role=Role.ADMIN)
    document_id = await alice.send(PAGE)
    body = {"json": {"access": "private"}}
    assert (await colleague.patch(f"/documents/{document_id}", **body)).status_code == 403
    assert (await person().patch(f"/documents/{document_id}", **body)).status_code == 404
    assert (await admin.patch(f"/documents/{document_id}", **body)).status_code == 200
    assert (await admin.patch(f"/documents/{document_id}", **body)).status_code == 404


async def test_a_change_holds_for_the_content_that_waits_too(person: MakePerson, knowledge_settings: Settings) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    document_id = await alice.send(PAGE, external_id="heron", access="private", category="birds")
    await change(alice, document_id, access="organization", category="water", title="Named since")
    async with working(knowledge_settings):
        await alice.finished(document_id)
        # What was claimed before the change is published, then catches up.
        await until(lambda: colleague.contents("heron", strategy="lexical", filters={"category": "water"}), found=bool)
        assert (await colleague.show(document_id))["title"] == "Named since"
    await alice.send(PAGE + "\n\nIt is grey.", external_id="heron", access="private")
    assert not await found(colleague)
    await change(alice, document_id, access="organization")
    # A worker of another test may be publishing it just now.
    await until(lambda: colleague.contents("heron", strategy="lexical"), found=bool)
    async with working(knowledge_settings):
        await alice.finished(document_id)
        await until(lambda: colleague.contents("grey", strategy="lexical"), found=bool)
        assert await found(colleague, "grey")


async def test_a_new_content_keeps_what_it_does_not_say(person: MakePerson, knowledge_settings: Settings) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    async with working(knowledge_settings):
        document_id = await alice.add(PAGE, external_id="heron", tags=["a"])
        await change(alice, document_id, access="private", category="birds", metadata={"a": 1}, source="wiki")
        before = await alice.show(document_id)
        await alice.add(PAGE + "\n\nIt is grey.", external_id="heron")
        after = await alice.show(document_id)
        for name in ("access", "category", "tags", "metadata", "source"):
            assert after[name] == before[name]
        assert not await found(colleague)
        await alice.add(PAGE + "\n\nIt flies.", external_id="heron", tags=[], access=None)
        assert ((await alice.show(document_id))["tags"], await found(colleague)) == ([], True)


async def test_changes_at_the_same_moment_leave_index_and_record_agreeing(
    person: MakePerson, knowledge_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Eight of them write one after another: on a busy machine the last waits long for its turn.
    monkeypatch.setattr("services.knowledge.catching_up.WAIT_S", 60.0)
    alice = person()
    colleague = person(alice.subject.organization_id)
    async with working(knowledge_settings):
        document_id = await alice.add(PAGE)
    for _ in range(3):
        accesses = ["private", "organization"] * 4
        await asyncio.gather(*(change(alice, document_id, access=access) for access in accesses))
        open_now = (await alice.show(document_id))["access"] == "organization"
        assert await found(colleague) == open_now


async def test_a_process_that_ends_before_the_index_follows_is_made_up_for(
    person: MakePerson, knowledge_settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    async with working(knowledge_settings):
        document_id = await alice.add(PAGE, access="private")
    with monkeypatch.context() as broken:

        async def fails(*_: object) -> None:
            raise OSError("the index can't be written")

        broken.setattr(LanceDbIndex, "update", fails)
        # Another test's worker would deliver it as soon as it is due.
        broken.setattr("services.knowledge.changes.RELAY_AFTER", timedelta(hours=1))
        assert (await change(alice, document_id, access="organization"))["access"] == "organization"
    assert not await found(colleague)
    async with database.transaction() as session:
        await session.execute(text("UPDATE knowledge.outbox SET due_at = now()"))
    async with working(knowledge_settings):
        await until(colleague.contents, "heron weir", found=bool)


async def test_each_change_moves_the_knowledge_version_on(person: MakePerson, database: Database) -> None:
    alice = person()
    document_id = await alice.send(PAGE)
    query = text("SELECT knowledge_version FROM knowledge.organizations WHERE organization_id = :id")

    async def version() -> int:
        async with database.transaction() as session:
            return await session.scalar(query, {"id": UUID(str(alice.subject.organization_id))})

    versions = [await version()]
    for changes in ({"access": "private"}, {"category": "x"}, {"title": "New"}):
        await change(alice, document_id, **changes)
        versions.append(await version())
    assert versions == sorted(set(versions))
