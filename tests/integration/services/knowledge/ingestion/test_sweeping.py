"""What is swept, and how often an index is brought up to date, while documents come in."""

from datetime import timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest

from libs.config.settings import Settings
from libs.stores.postgres import Database
from services.knowledge import purge
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.parsing.sandbox import Sandbox
from services.knowledge.purge import Purger
from services.knowledge.search_cache import SearchCache
from services.knowledge.uploads import Uploads
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
