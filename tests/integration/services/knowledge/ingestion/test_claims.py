"""The queue is fair, and leases each document to one worker."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from libs.stores.postgres import Database
from services.knowledge import queue
from tests.integration.services.knowledge.ingestion.held import MakePerson


async def claim(database: Database, most_bytes: int = 1_000_000, largest_bytes: int = 1_000_000) -> Sequence[UUID]:
    async with database.transaction() as session:
        claimed = await queue.claim(session, 60, 2, most_bytes, queue.SizeBounds(largest_bytes))
    return [revision.document_id for revision in claimed.revisions] if claimed else []


async def test_a_flood_of_one_organisation_does_not_hold_up_another(
    clean_database: None, person: MakePerson, database: Database
) -> None:
    flooding, small = person(), person()
    flood = [{"title": f"F{n}", "text": f"Flood {n}."} for n in range(20)]
    await flooding.post("/documents/batch", json={"documents": flood})
    waiting = await small.send("One small page.")
    turns = [await claim(database) for _ in range(3)]
    assert [UUID(waiting)] in turns[:2]
    assert [len(turn) for turn in turns if UUID(waiting) not in turn] == [2, 2]


async def test_a_large_document_leaves_the_small_to_another_worker(
    clean_database: None, person: MakePerson, database: Database
) -> None:
    alice = person()
    large = await alice.send("x" * 5_000)
    small = await alice.send("y" * 50)
    assert await claim(database, largest_bytes=1_000) == [UUID(small)]
    assert await claim(database, largest_bytes=1_000) == []
    assert await claim(database, most_bytes=10) == [UUID(large)]


async def test_two_workers_never_hold_the_same_document(
    clean_database: None, person: MakePerson, database: Database
) -> None:
    alice = person()
    documents = [{"title": f"F{n}", "text": f"Page {n}."} for n in range(12)]
    await alice.post("/documents/batch", json={"documents": documents})
    turns = await asyncio.gather(*(claim(database) for _ in range(12)))
    while more := await claim(database):
        turns.append(more)
    claimed = [document_id for turn in turns for document_id in turn]
    assert len(claimed) == len(set(claimed)) == 12
