"""What is deleted or swept while a document is indexed."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from libs.config.settings import Settings
from libs.stores.postgres import Database
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.ingestion import Ingester
from services.knowledge.parsing.sandbox import Sandbox
from services.knowledge.ports import IndexedPassage
from services.knowledge.purge import Purger
from services.knowledge.search_cache import SearchCache
from services.knowledge.uploads import Uploads
from tests.integration.services.knowledge.ingestion.held import HeldEmbedder, MakePerson, an_ingester, held_turn, status


async def test_a_document_deleted_while_it_is_indexed_stays_gone(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    turn = await held_turn(ingester, embedder)
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
