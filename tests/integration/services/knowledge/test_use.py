"""How often documents are found and cited, and who may see it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from libs.contracts.identity import Role
from libs.contracts.usage import CitedAnswer, CitedPassage
from libs.stores.postgres import Database
from services.knowledge.usage import counting
from services.knowledge.usage.counting import UseCounts, expire
from tests.integration.services.knowledge.conftest import Person, until

pytestmark = pytest.mark.usefixtures("worker")

MakePerson = Callable[..., Person]
# Recent enough that the running worker doesn't expire it, and long before what other tests count.
DAY = datetime.now(UTC).date() - timedelta(days=40)


async def use(person: Person, document_id: str) -> dict[str, Any]:
    return (await person.get(f"/documents/{document_id}/use")).raise_for_status().json()


async def times(person: Person, document_id: str) -> tuple[int, int]:
    shown = await use(person, document_id)
    return shown["found"], shown["cited"]


async def listed(person: Person, **asked: Any) -> list[tuple[str, int]]:
    answer = (await person.get("/documents/use", params=asked)).raise_for_status().json()
    return [(one["title"], one["found"]) for one in answer["items"]]


def citing(person: Person, document_id: str, chunk_id: UUID | str, message_id: UUID | None = None) -> dict[str, Any]:
    return CitedAnswer(
        message_id=message_id or uuid4(),
        organization_id=person.subject.organization_id,
        day=datetime.now(UTC).date(),
        passages=[CitedPassage(document_id=UUID(document_id), chunk_id=UUID(str(chunk_id)))],
    ).model_dump(mode="json")


async def test_every_search_that_finds_a_document_counts_once_cached_or_not(person: MakePerson) -> None:
    owner, began = person(role=Role.OWNER), datetime.now(UTC).date()
    rivers = await owner.add("# Rivers\n\nRivers flow.\n\n# Brooks\n\nRivers begin as brooks.", "Rivers")
    hills = await owner.add("Hills stand.", "Hills")
    asked = {"query": "rivers", "strategy": "lexical"}
    results = (await owner.post("/search", json=asked)).json()["results"]
    await asyncio.gather(*(owner.post("/search", json=asked) for _ in range(2)))
    await owner.post("/internal/retrievals", json={"query": "rivers"})
    assert await until(times, owner, rivers, found=lambda seen: seen[0] >= 4) == (4, 0)
    shown = await use(owner, rivers)
    assert sum(one["found"] for one in shown["days"]) == 4
    # Midnight may pass meanwhile.
    assert {one["day"] for one in shown["days"]} <= {str(began), str(datetime.now(UTC).date())}
    assert {one["chunk_id"] for one in shown["passages"]} >= {one["chunk_id"] for one in results}
    # The retrieval's vectors find whatever there is.
    assert await times(owner, hills) == (1, 0)


async def test_an_answer_counts_once_however_often_it_is_told(person: MakePerson) -> None:
    owner = person(role=Role.OWNER)
    page = await owner.add("Lakes are still.", "Lakes")
    [passage] = (await owner.get(f"/documents/{page}/passages")).json()["items"]
    told = citing(owner, page, passage["chunk_id"])
    at_once = await asyncio.gather(*(owner.post("/internal/citations", json=told) for _ in range(3)))
    assert [answer.status_code for answer in at_once] == [204] * 3
    await owner.post("/internal/citations", json=citing(owner, page, passage["chunk_id"]))
    assert await times(owner, page) == (0, 2)
    assert (await use(owner, page))["passages"] == [{"chunk_id": passage["chunk_id"], "found": 0, "cited": 2}]
    stranger = person(role=Role.OWNER)
    await owner.post("/internal/citations", json=citing(stranger, page, passage["chunk_id"]))
    assert await times(owner, page) == (0, 2)


async def test_use_is_shown_to_those_who_manage_a_document(person: MakePerson) -> None:
    admin = person(role=Role.ADMIN)
    organization_id = admin.subject.organization_id
    author, member, stranger = person(organization_id), person(organization_id), person(role=Role.OWNER)
    shared = await author.add("Open to all.", "Shared")
    private = await author.add("Only mine.", "My secret title", access="private")
    assert await times(author, private) == (0, 0)
    assert await times(admin, shared) == (0, 0)
    expected = [(member, shared, 403), (admin, private, 404), (stranger, shared, 404), (member, private, 404)]
    for someone, document_id, status in expected:
        assert (await someone.get(f"/documents/{document_id}/use")).status_code == status
    assert (await member.get("/documents/use")).status_code == 403
    assert await listed(admin) == [("Shared", 0)]
    assert await listed(stranger) == []


async def test_documents_by_use_and_those_that_nobody_finds(person: MakePerson) -> None:
    owner = person(role=Role.OWNER)
    for title in ("Ants", "Bees", "Cats"):
        await owner.add(f"{title} exist.", title)
    for query in ("bees", "bees", "ants"):
        await owner.post("/search", json={"query": query, "strategy": "lexical"})

    async def counted() -> list[tuple[str, int]]:
        return await listed(owner)

    assert await until(counted, found=lambda seen: sum(count for _, count in seen) == 3) == [
        ("Bees", 2),
        ("Ants", 1),
        ("Cats", 0),
    ]
    assert await listed(owner, order="least_found", limit=1) == [("Cats", 0)]
    assert await listed(owner, cursor="1", limit=1) == [("Ants", 1)]
    assert await listed(owner, never_found=True) == [("Cats", 0)]
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert len(await listed(owner, never_found=True, since=str(tomorrow))) == 3


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"since": "yesterday"}, "since"), ({"order": "best"}, "order"), ({"cursor": "-1"}, "cursor")],
)
async def test_what_can_not_be_asked(person: MakePerson, asked: dict[str, str], field: str) -> None:
    answer = await person(role=Role.OWNER).get("/documents/use", params=asked)
    assert answer.status_code == 422
    assert field in answer.json()["details"]["fields"][0]["field"]


async def test_counts_survive_the_bin_and_go_with_the_document(person: MakePerson, database: Database) -> None:
    owner = person(role=Role.OWNER)
    page = await owner.add("Moss is soft.", "Moss")
    await owner.post("/internal/citations", json=citing(owner, page, uuid4()))
    await owner.delete(f"/documents/{page}")
    assert await listed(owner) == []
    await owner.post(f"/documents/{page}/restore")
    assert await times(owner, page) == (0, 1)
    await owner.delete(f"/documents/{page}?purge=true")
    counts = UseCounts(database, lambda: DAY)
    counts.found([CitedPassage(document_id=UUID(page), chunk_id=uuid4())])
    await counts.write()
    async with database.transaction() as session:
        kept = "SELECT count(*) FROM document_use WHERE document_id = :id AND found > 0"
        assert await session.scalar(text(kept), {"id": page}) == 0
        # As the worker does once no reader can hold its passages any more.
        await session.execute(text("DELETE FROM documents WHERE id = :id"), {"id": page})
        left = (
            "SELECT (SELECT count(*) FROM document_use u WHERE u.document_id = :id)"
            " + (SELECT count(*) FROM passage_use p WHERE p.document_id = :id)"
        )
        assert await session.scalar(text(left), {"id": page}) == 0


async def test_what_can_not_be_written_waits_within_bounds(
    person: MakePerson, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = person(role=Role.OWNER)
    page = await owner.add("Fern.", "Fern")
    counts = UseCounts(database, lambda: DAY)
    passages = [CitedPassage(document_id=UUID(page), chunk_id=uuid4()) for _ in range(3)]
    counts.found(passages)
    with monkeypatch.context() as away:
        away.setattr(database, "transaction", None)
        await counts.write()
    monkeypatch.setattr(counting, "MOST_WAITING", 3)
    counts.found([CitedPassage(document_id=UUID(page), chunk_id=uuid4())])
    await counts.write()
    await counts.write()
    async with database.transaction() as session:
        rows = (
            "SELECT (SELECT sum(found) FROM document_use WHERE document_id = :id),"
            " (SELECT sum(found) FROM passage_use WHERE document_id = :id)"
        )
        assert tuple((await session.execute(text(rows), {"id": page})).one()) == (1, 3)


async def test_old_days_are_forgotten(person: MakePerson, database: Database) -> None:
    owner = person(role=Role.OWNER)
    page = await owner.add("Heath.", "Heath")
    for day in (DAY, DAY + timedelta(days=1)):
        counts = UseCounts(database, lambda day=day: day)
        counts.found([CitedPassage(document_id=UUID(page), chunk_id=uuid4())])
        await counts.write()
    assert not await expire(database, DAY + timedelta(days=31), 30)
    shown = (await owner.get(f"/documents/{page}/use", params={"since": str(DAY)})).json()
    assert [one["day"] for one in shown["days"]] == [str(DAY + timedelta(days=1))]
    assert len(shown["passages"]) == 1
