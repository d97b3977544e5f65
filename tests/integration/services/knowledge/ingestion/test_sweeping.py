"""What is swept, and how often an index is brought up to date, while documents come in."""

from datetime import timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from sqlalchemy import select

from libs.config.settings import Settings
from libs.stores.postgres import Database
from libs.stores.redis import connect_redis
from services.knowledge import purge
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.models import DocumentRow
from services.knowledge.parsing.sandbox import Sandbox
from services.knowledge.purge import Purger
from services.knowledge.search_cache import SearchCache
from services.knowledge.uploads import Uploads
from tests.integration.services.knowledge.conftest import until
from tests.integration.services.knowledge.ingestion.held import HeldEmbedder, MakePerson, an_ingester


class CountedIndex(LanceDbIndex):
    """Counts how often it was brought up to date."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, exact_below=1_000)
        self.maintained = 0

    async def maintain(self, organization_id: UUID) -> None:
        self.maintained += 1
        await super().maintain(organization_id)


async def test_an_index_is_brought_up_to_date_at_once_and_then_after_a_while(
    clean_database: None,
    person: MakePerson,
    database: Database,
    knowledge_settings: Settings,
    embedder: HeldEmbedder,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The while isn't over, however long the turns take.
    monkeypatch.setattr(purge, "MAINTAIN_EVERY_S", 3600.0)
    alice = person()
    index = CountedIndex(knowledge_settings.home / "knowledge")
    ingester = an_ingester(knowledge_settings, database, index, embedder, sandbox)
    purger = Purger(database, index, cast("Uploads", None), cast("SearchCache", None), timedelta(days=30))
    for words in ("Otters swim.", "Otters dive.", "Otters play."):
        await alice.send(words, external_id="otter")
        assert await ingester.turn()
        await purger.sweep_changed()
        assert len(await index.versions(alice.subject.organization_id)) == 1  # swept each time
        assert index.maintained == 1
    assert await alice.contents("otters", strategy="lexical") == ["Otters play."]
    monkeypatch.setattr(purge, "MAINTAIN_EVERY_S", 0.0)
    for _ in range(2):
        await purger.sweep_changed()
        assert index.maintained == 2


class BrokenIndex(LanceDbIndex):
    """Can't be opened for one organisation."""

    def __init__(self, folder: Path, broken: UUID) -> None:
        super().__init__(folder, exact_below=1_000)
        self.broken = broken

    async def numbers(self, organization_id: UUID) -> set[int]:
        if organization_id == self.broken:
            raise RuntimeError("a file of the index is damaged")
        return await super().numbers(organization_id)


async def test_one_organisations_broken_index_holds_up_no_others(
    clean_database: None,
    person: MakePerson,
    database: Database,
    knowledge_settings: Settings,
    embedder: HeldEmbedder,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(purge, "READERS_FINISH", timedelta(milliseconds=20))
    people = sorted((person() for _ in range(3)), key=lambda one: one.subject.organization_id)
    whole = LanceDbIndex(knowledge_settings.home / "knowledge", exact_below=1_000)
    ingester = an_ingester(knowledge_settings, database, whole, embedder, sandbox)
    documents = [await one.send("Otters swim.") for one in people]
    while await ingester.turn():
        pass
    for one, document_id in zip(people, documents, strict=True):
        await one.delete(f"/documents/{document_id}")
    broken = people[1].subject.organization_id
    redis = connect_redis(knowledge_settings)
    purger = Purger(
        database,
        BrokenIndex(knowledge_settings.home / "knowledge", broken),
        cast("Uploads", None),
        SearchCache(redis, knowledge_settings.retrieval, embedded=True),
        timedelta(0),
    )
    await purger.empty_bins()
    await purger.sweep_changed()
    left = [await whole.versions(one.subject.organization_id) for one in people]
    assert [len(versions) for versions in left] == [0, 1, 0]

    async def organizations() -> list[UUID]:
        await purger.erase()
        async with database.transaction() as session:
            return list(await session.scalars(select(DocumentRow.organization_id)))

    await until(organizations, found=lambda left: left == [broken])
    await redis.aclose()
