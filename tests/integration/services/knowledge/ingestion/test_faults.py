"""What isn't a document's fault uses up none of its attempts, and holds up no other document."""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from libs.config.settings import Settings
from libs.contracts.errors import FootnoteError, unavailable
from libs.stores.blobs import FolderBlobStore, StoreAwayError
from libs.stores.postgres import Database
from services.knowledge import aftermath, ingestion, queue, writing
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.ingestion import Ingester
from services.knowledge.leftover_files import LeftoverFiles
from services.knowledge.main import blob_store
from tests.integration.services.knowledge.ingestion.held import HeldEmbedder, MakePerson, status

TRIES = queue.MAX_ATTEMPTS + 2


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is tried again with the next turn."""
    monkeypatch.setattr(ingestion, "FIRST_WAIT_S", 0.0)


@pytest.mark.parametrize(
    "fault",
    [
        unavailable("embedding"),
        OSError(28, "No space left on device"),
        RuntimeError("lance error: LanceError(IO): No space left on device (os error 28), writer.rs:258:9"),
    ],
)
async def test_a_fault_of_the_system_counts_no_attempt_however_often_it_comes(
    fault: Exception, ingester: Ingester, embedder: HeldEmbedder, person: MakePerson
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    embedder.error = fault
    for _ in range(TRIES):
        with pytest.raises(type(fault)):
            await ingester.turn()
    embedder.error = None
    assert await ingester.turn()
    assert await status(alice, document_id) == "completed"


@pytest.mark.parametrize("passages", [1, 10])
async def test_a_text_that_embedding_refuses_fails_its_document_and_no_other(
    passages: int,
    ingester: Ingester,
    embedder: HeldEmbedder,
    person: MakePerson,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writing, "WRITTEN_AT_ONCE", 4)
    monkeypatch.setattr(writing, "PAUSE_S", 0.0)
    alice = person()
    otters = "\n\n".join(f"# Otter {number}\n\nOtters swim." for number in range(passages))
    otter, heron = await alice.send(otters), await alice.send("# Heron\n\nHerons wade.")
    embedder.refused = "Otters"
    for _ in range(2 * TRIES):
        with suppress(FootnoteError):
            await ingester.turn()
    assert [await status(alice, one) for one in (otter, heron)] == ["failed", "completed"]
    assert embedder.calls <= TRIES * 2


async def test_a_file_that_cannot_be_read_now_waits_and_holds_up_nothing(
    ingester: Ingester, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    local_path, away = FolderBlobStore.local_path, set[str]()

    async def unreachable(store: FolderBlobStore, organization_id: UUID, sha256: str) -> Path:
        path = await local_path(store, organization_id, sha256)
        if b"Otters" in path.read_bytes():
            away.add(sha256)
            raise OSError(5, "Input/output error")
        return path

    otter, heron = await alice.send("# Otter\n\nOtters swim."), await alice.send("# Heron\n\nHerons wade.")
    with monkeypatch.context() as patch:
        patch.setattr(FolderBlobStore, "local_path", unreachable)
        for _ in range(TRIES):
            assert await ingester.turn()
    assert away
    assert [await status(alice, one) for one in (otter, heron)] == ["processing", "completed"]
    assert await ingester.turn()
    assert await status(alice, otter) == "completed"


@contextmanager
def empty_folder_instead(folder: Path, elsewhere: Path) -> Iterator[None]:
    """As a volume that isn't mounted."""
    folder.rename(elsewhere)
    try:
        folder.mkdir()
        yield
        assert list(folder.iterdir()) == []
    finally:
        shutil.rmtree(folder)
        elsewhere.rename(folder)


async def test_documents_wait_while_the_store_of_their_files_is_not_mounted(
    ingester: Ingester,
    person: MakePerson,
    knowledge_settings: Settings,
    database: Database,
    tmp_path: Path,
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    with empty_folder_instead(knowledge_settings.home / "blobs", tmp_path / "volume"):
        for _ in range(TRIES):
            assert await ingester.turn()
        assert await status(alice, document_id) == "processing"
        refused = [
            await alice.get(f"/documents/{document_id}/original"),
            await alice.post("/documents", json={"title": "Heron", "text": "Herons wade."}),
        ]
        assert [(one.status_code, one.json()["details"]) for one in refused] == [(503, {"service": "blobs"})] * 2
        health = (await alice.get("/health/detailed")).json()
        assert (health["status"], health["checks"]["original files"]["ok"]) == ("ready", False)
        with pytest.raises(StoreAwayError):
            await LeftoverFiles(database, blob_store(knowledge_settings, database)).sweep()
    assert await ingester.turn()
    assert await status(alice, document_id) == "completed"


async def test_a_store_is_known_by_files_of_any_age(
    person: MakePerson, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    for number in range(8):
        await alice.send(f"# Heron\n\nHeron {number} wades.")
    async with database.transaction() as session:
        by_id = await session.scalars(text("SELECT sha256 FROM knowledge.revisions ORDER BY id LIMIT 2"))
    monkeypatch.setattr(aftermath, "SAMPLE", 2)
    assert [sha256 for _, sha256 in await aftermath.some_named(database)] == [*by_id]


async def test_what_is_postponed_waits_longer_each_time(
    ingester: Ingester, person: MakePerson, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(_store: FolderBlobStore, _organization_id: UUID, _sha256: str) -> Path:
        raise OSError(5, "Input/output error")

    await person().send("# Otter\n\nOtters swim.")
    monkeypatch.setattr(FolderBlobStore, "local_path", unreachable)
    monkeypatch.setattr(ingestion, "FIRST_WAIT_S", 1_000.0)
    monkeypatch.setattr(ingestion, "LONGEST_WAIT_S", 4_000.0)
    waits: list[float] = []
    for _ in range(4):
        assert await ingester.turn()
        assert not await ingester.turn()
        async with database.transaction() as session:
            left = text("SELECT extract(epoch FROM lease_until - now()) FROM knowledge.revisions")
            waits.append(float(await session.scalar(left)))
            await session.execute(text("UPDATE knowledge.revisions SET lease_until = now() - interval '1 second'"))
    assert [round(wait, -3) for wait in waits] == [1_000, 2_000, 4_000, 4_000]


async def test_a_database_that_was_away_at_the_release_counts_no_attempt(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")

    release, calls = queue.release, itertools.count()

    async def away_every_other_time(session: AsyncSession, lease: UUID, **ending: Any) -> None:
        if next(calls) % 2 == 0:
            raise unavailable("database")
        await release(session, lease, **ending)

    monkeypatch.setattr(queue, "release", away_every_other_time)
    embedder.error = unavailable("embedding")
    for _ in range(TRIES):
        with pytest.raises(FootnoteError):
            await ingester.turn()
    embedder.error = None
    assert await ingester.turn()
    assert await status(alice, document_id) == "completed"


async def test_a_full_disk_under_the_index_counts_no_attempt(
    ingester: Ingester, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")

    async def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(LanceDbIndex, "add", full)
        for _ in range(TRIES):
            with pytest.raises(OSError, match="No space"):
                await ingester.turn()
    assert await ingester.turn()
    assert await status(alice, document_id) == "completed"


async def test_a_document_that_was_just_read_is_read_again_at_once(ingester: Ingester, person: MakePerson) -> None:
    alice = person()
    document_id = await alice.send("# Otter\n\nOtters swim.")
    assert await ingester.turn()
    assert (await alice.post(f"/documents/{document_id}/reindex")).status_code == 202
    assert await ingester.turn()
    assert await status(alice, document_id) == "completed"


async def test_documents_for_a_damaged_index_end_as_failed(
    ingester: Ingester, person: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    await alice.send("# Otter\n\nOtters swim.")
    assert await ingester.turn()
    for manifest in (knowledge_settings.home / "knowledge").glob("*.lance/_versions/*.manifest"):
        manifest.write_bytes(b"")
    document_id = await alice.send("# Heron\n\nHerons wade.")
    for _ in range(queue.MAX_ATTEMPTS):
        with pytest.raises(RuntimeError, match="LanceError"):
            await ingester.turn()
    assert await ingester.turn()
    assert await status(alice, document_id) == "failed"
