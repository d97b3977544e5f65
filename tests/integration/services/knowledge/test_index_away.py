"""Another folder in the index's place, as the empty one under a volume: the index is away, and no document is lost."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from libs.config.settings import Settings
from libs.stores.postgres import Database
from services.knowledge.adapters.lancedb_folder import MARK, IndexAwayError
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from tests.integration.services.knowledge.conftest import Person, until, working
from tests.integration.services.knowledge.indexed_passages import ORGANIZATION, passage, scope


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def calls(index: LanceDbIndex) -> list[Callable[[], Awaitable[object]]]:
    return [
        lambda: index.lexical(scope(), "weir", 5),
        lambda: index.counts(ORGANIZATION),
        lambda: index.numbers(ORGANIZATION),
        lambda: index.add(ORGANIZATION, [passage("At the weir.")]),
        lambda: index.drop(ORGANIZATION),
    ]


@pytest.mark.parametrize("empty", [True, False])
async def test_an_index_that_is_away_finds_and_takes_nothing_until_it_is_back(tmp_path: Path, empty: bool):
    folder, elsewhere = tmp_path / "knowledge", tmp_path / "elsewhere"
    index = LanceDbIndex(folder, 1_000, no)
    await index.add(ORGANIZATION, [passage("A heron at the weir.")])
    folder.rename(elsewhere)
    if empty:
        folder.mkdir()
    opened = LanceDbIndex(folder, 1_000, yes)
    for one in (opened, opened.numbered(1)):
        for call in calls(one):
            with pytest.raises(IndexAwayError):
                await call()
    with pytest.raises(FileNotFoundError, match=r"\.footnote-index.*Mount"):
        await opened.check()
    if empty:
        folder.rmdir()
    elsewhere.rename(folder)
    await opened.check()
    for one in (index, opened):
        assert len(await one.lexical(scope(), "weir", 5)) == 1


async def test_an_index_from_before_there_were_marks_gets_its_mark(tmp_path: Path):
    index = LanceDbIndex(tmp_path, 1_000, yes)
    (tmp_path / MARK).touch()
    await index.add(ORGANIZATION, [passage("A heron at the weir.")])
    (tmp_path / MARK).unlink()
    await index.check()
    assert (tmp_path / MARK).exists()


async def test_searches_say_that_the_index_is_away_and_uploads_wait(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database, clean_database: None
):
    alice = person()
    async with working(knowledge_settings):
        await alice.add("# Heron\n\nA heron at the weir.")
    folder = knowledge_settings.home / "knowledge"
    elsewhere = folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()
    try:
        for strategy in ("auto", "lexical", "vector"):
            answer = await alice.post("/search", json={"query": "heron", "strategy": strategy})
            assert (answer.status_code, answer.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
        assert "Retry-After" in answer.headers
        document_id = await alice.send("# Otter\n\nAn otter at the weir.")
        async with working(knowledge_settings):
            waiting = await until(alice.show, document_id, found=lambda one: one["waiting"])
        assert waiting["waiting"]["code"] == "store_away"
        assert list(folder.iterdir()) == []
    finally:
        folder.rmdir()
        elsewhere.rename(folder)
    async with database.transaction() as session:
        await session.execute(text("UPDATE knowledge.revisions SET lease_until = NULL"))
    async with working(knowledge_settings):
        assert (await alice.finished(document_id))["status"] == "completed"
    assert len(await alice.search("weir")) == 2
