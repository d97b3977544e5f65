"""The same external_id again: readers see the old or the new content, never both, none, or more than they may."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text

from libs.config.settings import Settings
from libs.stores.postgres import Database
from tests.integration.services.knowledge.conftest import Person, until

pytestmark = pytest.mark.usefixtures("worker")

MakePerson = Callable[..., Person]

MUSEUM = "# Museum\n\n## Opening\n\nThe museum opens at ten.\n\n## Tickets\n\nA ticket costs twelve euros.\n"


async def passages(person: Person, document_id: str) -> dict[str, str]:
    page = (await person.get(f"/documents/{document_id}/passages")).raise_for_status().json()
    return {item["content"]: item["chunk_id"] for item in page["items"]}


async def test_unchanged_passages_keep_their_ids(person: MakePerson) -> None:
    alice = person()
    document_id = await alice.add(MUSEUM, "Museum", external_id="museum")
    before = await passages(alice, document_id)
    assert await alice.add(MUSEUM.replace("twelve", "fourteen"), "Museum", external_id="museum") == document_id
    after = await passages(alice, document_id)
    kept = [content for content in before if content in after]
    assert any("opens at ten" in content for content in kept)
    assert all(before[content] == after[content] for content in kept)
    contents = "".join(await alice.contents("what does a ticket cost"))
    assert "fourteen" in contents
    assert "twelve" not in contents


async def test_a_search_during_replacements_finds_exactly_one_content(person: MakePerson) -> None:
    alice = person()
    await alice.add("The word of the day is marmot number 0.", "Day", external_id="day")
    seen: list[tuple[str, list[str]]] = []
    stopping = asyncio.Event()

    async def keep_looking(strategy: str) -> None:
        while not stopping.is_set():
            contents = await alice.contents("word of the day marmot", strategy=strategy)
            seen.append((strategy, contents))

    looking = [asyncio.create_task(keep_looking(strategy)) for strategy in ("lexical", "vector", "hybrid")]
    for number in range(1, 9):
        await alice.add(f"The word of the day is marmot number {number}.", "Day", external_id="day")
    stopping.set()
    await asyncio.gather(*looking)
    assert {strategy for strategy, _ in seen} == {"lexical", "vector", "hybrid"}
    assert [contents for _, contents in seen if len(contents) != 1] == []


async def test_a_broken_replacement_leaves_the_old_content_and_says_why(person: MakePerson) -> None:
    alice = person()
    document_id = await alice.add(MUSEUM, "Museum", external_id="museum")
    document = await alice.upload("museum.pdf", b"%PDF-1.7 broken", external_id="museum")
    assert document["document_id"] == document_id
    assert (document["status"], document["error"]["code"]) == ("failed", "corrupt")
    assert (document["title"], document["chunk_count"] > 0) == ("Museum", True)
    assert any("opens at ten" in content for content in await alice.contents("when does the museum open"))
    await alice.add("# Museum\n\nThe museum is closed.", "Museum", external_id="museum")
    assert "opens at ten" not in "".join(await alice.contents("museum"))


async def test_uploads_of_one_name_at_the_same_moment_make_one_document(person: MakePerson) -> None:
    alice = person()
    ids = await asyncio.gather(*(alice.send(f"Version {n} of it.", "Race", external_id="race") for n in range(6)))
    assert len(set(ids)) == 1
    await until(alice.show, ids[0], found=lambda one: one["status"] == "completed")
    assert len(await alice.contents("version of it")) == 1


async def test_every_visible_change_moves_the_knowledge_version_on(person: MakePerson) -> None:
    alice = person()

    async def version() -> int:
        return (await alice.post("/internal/retrievals", json={"query": "x", "top_k": 1})).json()["knowledge_version"]

    versions = [await version()]
    document_id = await alice.add("First.", external_id="v")
    versions.append(await version())
    await alice.add("Second.", external_id="v")
    versions.append(await version())
    await alice.delete(f"/documents/{document_id}")
    versions.append(await version())
    assert versions == sorted(set(versions))


async def test_replaced_content_leaves_one_revision_and_one_file(
    person: MakePerson, knowledge_settings: Settings, database: Database
) -> None:
    alice = person()
    document_id = await alice.add("One.", external_id="one")
    for word in ("Two.", "Three."):
        await alice.add(word, external_id="one")
    folder = knowledge_settings.home / "blobs" / str(alice.subject.organization_id)

    async def left() -> tuple[int, int]:
        async with database.transaction() as session:
            query = text("SELECT count(*) FROM knowledge.revisions WHERE document_id = :id")
            revisions = await session.scalar(query, {"id": document_id})
        return revisions or 0, len([path for path in folder.rglob("*") if path.is_file()])

    await until(left, found=lambda counts: counts == (1, 1))
