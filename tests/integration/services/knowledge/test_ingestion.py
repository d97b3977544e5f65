"""The queue and its workers: fair, leased and fenced."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from libs.clients.embedding import EmbeddedPassages
from libs.config.settings import Settings
from libs.contracts.embedding import EmbeddingModelInfo
from libs.contracts.errors import FootnoteError, unavailable
from libs.stores.blobs import FolderBlobStore
from libs.stores.postgres import Database
from services.knowledge import queue, repository, writing
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.embedding_switch import indexes
from services.knowledge.ingestion import Ingester
from services.knowledge.parsing.sandbox import Sandbox
from services.knowledge.ports import FoundPassage, IndexedPassage, Scope
from services.knowledge.purge import Purger
from services.knowledge.search_cache import SearchCache
from services.knowledge.uploads import Uploads
from tests.integration.services.knowledge.conftest import Person, until

MakePerson = Callable[..., Person]


class HeldEmbedder:
    """Vectors by arithmetic; `wait` holds them back, `error` is raised instead."""

    def __init__(self) -> None:
        self.wait: asyncio.Event | None = None
        self.reached = asyncio.Event()
        self.error: Exception | None = None
        self.calls = 0
        self.embedded = 0

    async def models(self, *, timeout_s: float = 10) -> list[EmbeddingModelInfo]:  # noqa: ARG002 - the port's
        return [
            EmbeddingModelInfo(
                id="arithmetic",
                created=0,
                owned_by="tests",
                dimension=384,
                max_tokens=256,
                space="arithmetic",
                default=True,
            )
        ]

    async def embed_passages(
        self,
        texts: list[str],
        *,
        model: str = "default",
        timeout_s: float = 30,  # noqa: ARG002 - the port's
    ) -> EmbeddedPassages:
        assert model == "arithmetic"
        self.reached.set()
        self.calls += 1
        if self.error:
            raise self.error
        if self.wait:
            await self.wait.wait()
        self.embedded += len(texts)
        rows = np.ones((len(texts), 384), np.float32)
        vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return EmbeddedPassages(vectors, (b"",) * len(texts), "arithmetic", "arithmetic")


@pytest.fixture
def embedder() -> HeldEmbedder:
    return HeldEmbedder()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(1) as opened:
        yield opened


@pytest.fixture
async def ingester(
    clean_database: None, knowledge_settings: Settings, database: Database, embedder: HeldEmbedder, sandbox: Sandbox
) -> Ingester:
    index = LanceDbIndex(knowledge_settings.home / "knowledge", exact_below=1_000)
    return an_ingester(knowledge_settings, database, index, embedder, sandbox)


def an_ingester(
    settings: Settings, database: Database, index: LanceDbIndex, embedder: HeldEmbedder, sandbox: Sandbox
) -> Ingester:
    return Ingester(
        database,
        index,
        FolderBlobStore(settings.home / "blobs"),
        embedder,
        sandbox,
        lambda texts: [len(text.split()) for text in texts],
        settings.ingestion,
        largest_bytes=1_000_000,
    )


async def status(person: Person, document_id: str) -> str:
    return (await person.get(f"/documents/{document_id}")).json()["status"]


async def claim(database: Database, most_bytes: int = 1_000_000, largest_bytes: int = 1_000_000) -> Sequence[UUID]:
    async with database.transaction() as session:
        claimed = await queue.claim(session, 60, 2, most_bytes, largest_bytes)
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


async def test_a_turn_indexes_what_waits(ingester: Ingester, person: MakePerson) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.", "Otter")
    assert await status(alice, document_id) == "pending"
    assert await ingester.turn()
    assert await status(alice, document_id) == "completed"
    assert not await ingester.turn()


async def test_embedding_away_puts_the_work_back_without_counting_an_attempt(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    embedder.error = unavailable("embedding")
    for _ in range(queue.MAX_ATTEMPTS + 2):
        with pytest.raises(FootnoteError):
            await ingester.turn()
    embedder.error = None
    assert await ingester.turn()
    assert await status(alice, document_id) == "completed"


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
    embedder.wait = asyncio.Event()
    turn = asyncio.create_task(ingester.turn())
    await embedder.reached.wait()
    assert await status(alice, document_id) == "processing"
    turn.cancel()
    with suppress(asyncio.CancelledError):
        await turn
    embedder.wait = None
    assert await ingester.turn()
    assert await status(alice, document_id) == "completed"


async def test_a_worker_that_lost_its_lease_publishes_nothing(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson, database: Database
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    embedder.wait = asyncio.Event()
    slow = asyncio.create_task(ingester.turn())
    await embedder.reached.wait()
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
    embedder.reached.clear()
    embedder.wait = asyncio.Event()
    turn = asyncio.create_task(ingester.turn())
    await embedder.reached.wait()
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


async def version(database: Database, document_id: str) -> UUID:
    query = text("SELECT served_version FROM knowledge.documents WHERE id = :id")
    async with database.transaction() as session:
        return await session.scalar(query, {"id": UUID(document_id)})


LONG = "\n\n".join(f"# Part {number}\n\nHeron {number} wades." for number in range(10))


async def half_written(
    embedder: HeldEmbedder, ingester: Ingester, alice: Person, monkeypatch: pytest.MonkeyPatch, *beside: str
) -> tuple[str, asyncio.Task[bool]]:
    """A long document of which four passages of ten are written; the next four fail while `embedder.error` stands.

    The texts `beside` it are indexed in the same turn.
    """
    monkeypatch.setattr(writing, "WRITTEN_AT_ONCE", 4)
    monkeypatch.setattr(writing, "PAUSE_S", 0.01)
    document_id = await alice.send(LONG, "Herons")
    for beside_it in beside:
        await alice.send(beside_it)
    embedder.wait = asyncio.Event()
    turn = asyncio.create_task(ingester.turn())
    await embedder.reached.wait()
    assert (await alice.show(document_id))["progress"] == {"done": 0, "total": 10}
    embedder.error = unavailable("embedding")
    embedder.wait.set()
    await until(alice.show, document_id, found=lambda one: one["progress"] == {"done": 4, "total": 10})
    return document_id, turn


async def test_a_long_document_is_written_in_parts_and_waits_where_it_is(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    document_id, turn = await half_written(embedder, ingester, alice, monkeypatch)
    assert await alice.contents("heron", strategy="lexical") == []
    embedder.error = None
    assert await turn
    document = await alice.show(document_id)
    assert (document["status"], document["chunk_count"], document["progress"]) == ("completed", 10, None)
    passages = (await alice.get(f"/documents/{document_id}/passages")).json()["items"]
    assert embedder.embedded == len(passages) == 10


async def test_a_long_document_that_is_deleted_is_not_written_to_its_end(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    document_id, turn = await half_written(embedder, ingester, alice, monkeypatch, "# Otter\n\nOtters swim.")
    await alice.delete(f"/documents/{document_id}")
    embedder.error = None
    await turn
    assert embedder.embedded == 8 + 1
    assert await alice.contents("otters", strategy="lexical") == ["Otter\n\nOtters swim."]
    assert not await ingester.turn()


async def test_a_half_written_document_crowds_nothing_out(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    await alice.send("# Heron\n\nThe heron that is served.")
    assert await ingester.turn()
    embedder.reached.clear()
    _, turn = await half_written(embedder, ingester, alice, monkeypatch)
    scopes: list[Scope] = []
    lexical = LanceDbIndex.lexical

    async def noted(index: LanceDbIndex, scope: Scope, query: str, limit: int) -> list[FoundPassage]:
        scopes.append(scope)
        return await lexical(index, scope, query, limit)

    monkeypatch.setattr(LanceDbIndex, "lexical", noted)
    assert await alice.contents("heron", strategy="lexical") == ["Heron\n\nThe heron that is served."]
    assert len(scopes) == 1
    assert len(scopes[0].unserved) == 1
    embedder.error = None
    await turn


async def test_a_document_deleted_while_it_is_indexed_stays_gone(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    embedder.wait = asyncio.Event()
    turn = asyncio.create_task(ingester.turn())
    await embedder.reached.wait()
    await alice.delete(f"/documents/{document_id}")
    embedder.wait.set()
    await turn
    assert (await alice.get(f"/documents/{document_id}")).status_code == 404
    assert await alice.contents("otters", strategy="lexical") == []


class InterruptedDatabase(Database):
    """In its next transaction `meanwhile` happens between the first query and the second."""

    def __init__(self, settings: Settings, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__(settings, "knowledge")
        self._meanwhile = meanwhile

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        async with super().transaction() as session:
            execute = session.execute

            async def interrupted(*arguments: Any, **options: Any) -> Any:
                result = await execute(*arguments, **options)
                session.execute = execute
                await self._meanwhile()
                return result

            session.execute = interrupted
            yield session


class HeldIndex(LanceDbIndex):
    """What is added is there; the call that added it returns when `let_go` is set."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, exact_below=1_000)
        self.added, self.let_go = asyncio.Event(), asyncio.Event()

    async def add(self, organization_id: UUID, passages: Sequence[IndexedPassage]) -> None:
        await super().add(organization_id, passages)
        self.added.set()
        await self.let_go.wait()


async def test_what_is_published_between_two_queries_of_a_sweep_stays(
    clean_database: None,
    person: MakePerson,
    database: Database,
    knowledge_settings: Settings,
    embedder: HeldEmbedder,
    sandbox: Sandbox,
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    index = HeldIndex(knowledge_settings.home / "knowledge")
    turn = asyncio.create_task(an_ingester(knowledge_settings, database, index, embedder, sandbox).turn())
    await index.added.wait()

    async def publish() -> None:
        index.let_go.set()
        await turn

    interrupted = InterruptedDatabase(knowledge_settings, publish)
    await Purger(interrupted, index, cast("Uploads", None), cast("SearchCache", None), timedelta(days=30)).sweep(
        alice.subject.organization_id
    )
    await interrupted.close()
    assert await status(alice, document_id) == "completed"
    assert await alice.contents("otters", strategy="lexical") == ["Otter\n\nOtters swim."]


async def test_a_missing_original_fails_its_document_only(
    ingester: Ingester, person: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    lost, kept = await alice.send("# Lost\n\nGone."), await alice.send("# Kept\n\nHere.")
    folder = knowledge_settings.home / "blobs" / str(alice.subject.organization_id)
    next(path for path in folder.rglob("*") if path.is_file() and b"Gone" in path.read_bytes()).unlink()
    assert await ingester.turn()
    assert [await status(alice, one) for one in (lost, kept)] == ["failed", "completed"]
