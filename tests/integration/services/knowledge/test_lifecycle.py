"""Originals, re-indexing and exports."""

import asyncio
import hashlib
import io
import json
import os
import signal
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from libs.config.settings import REPOSITORY, Settings
from libs.contracts.identity import Role
from libs.stores.blobs import FolderBlobStore, StoreAwayError
from libs.stores.postgres import Database
from scripts.stage import free_base_port
from services.knowledge.documents import Shower
from services.knowledge.packing import MAX_ATTEMPTS, Packer
from tests.integration.services.knowledge.conftest import Person, until, working

pytestmark = pytest.mark.usefixtures("frequent_sweeps")

MakePerson = Callable[..., Person]
HTML = b"<html><script>alert(1)</script><body><h1>Pool</h1><p>No diving in the pool.</p></body></html>"


@pytest.fixture
def packer(knowledge_settings: Settings, database: Database) -> Packer:
    blobs = FolderBlobStore(knowledge_settings.home / "blobs")
    return Packer(database, blobs, Shower(timedelta(days=30)), timedelta(hours=24), timedelta(seconds=30))


async def test_an_original_comes_as_a_file_byte_for_byte_to_its_readers(
    person: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    async with working(knowledge_settings):
        document = await alice.upload('pöol "1"\r\n.html', HTML, external_id="pool")
    path = f"/documents/{document['document_id']}/original"
    answer = await colleague.get(path)
    assert (answer.status_code, answer.content) == (200, HTML)
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["x-content-type-options"] == "nosniff"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=utf-8''p%C3%B6ol")
    part = await colleague.http.get(path, headers={**colleague.headers, "Range": "bytes=6-12"})
    assert (part.status_code, part.content) == (206, HTML[6:13])
    head = await colleague.http.head(path, headers=colleague.headers)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(HTML)))
    assert (await person().http.head(path, headers=person().headers)).status_code == 404
    await alice.send("# Pool\n\nClosed.", "Pool", external_id="pool", access="private")
    assert (await alice.get(path)).content == HTML
    assert (await colleague.get(path)).status_code == 404
    assert (await person().get(path)).status_code == 404
    await alice.delete(f"/documents/{document['document_id']}")
    assert (await alice.get(path)).status_code == 404


async def passages(person: Person, document_id: str) -> list[str]:
    page = (await person.get(f"/documents/{document_id}/passages")).raise_for_status().json()
    return [item["chunk_id"] for item in page["items"]]


async def version(database: Database, document_id: str) -> UUID:
    async with database.transaction() as session:
        query = text("SELECT served_version FROM knowledge.documents WHERE id = :id")
        return await session.scalar(query, {"id": UUID(document_id)})


async def test_a_document_is_read_again_and_found_all_the_while(
    person: MakePerson, knowledge_settings: Settings, database: Database
) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    async with working(knowledge_settings):
        document_id = await alice.add("# Pool\n\nNo diving in the pool.", external_id="pool")
        before, old = await passages(alice, document_id), await version(database, document_id)
    path = f"/documents/{document_id}/reindex"
    assert (await colleague.post(path)).status_code == 403
    assert (await person().post(path)).status_code == 404
    accepted = await alice.post(path)
    assert (accepted.status_code, accepted.json()["status"]) == (202, "pending")
    assert (await alice.post(path)).status_code == 202
    assert len(await alice.search("diving pool")) == 1
    async with working(knowledge_settings):
        seen: list[int] = []

        async def look() -> UUID:
            seen.append(len(await alice.search("diving pool")))
            return await version(database, document_id)

        await until(look, found=lambda served: served != old)
        assert (await alice.finished(document_id))["status"] == "completed"
        assert set(seen) == {1}
    assert await passages(alice, document_id) == before


async def test_reading_again_what_cannot_be_read_any_more_loses_nothing(
    person: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    async with working(knowledge_settings):
        document_id = await alice.add("# Pool\n\nNo diving in the pool.", external_id="pool")
        folder = knowledge_settings.home / "blobs" / str(alice.subject.organization_id)
        file = next(path for path in folder.rglob("*") if path.is_file())
        file.rename(file.with_suffix(".away"))
        await alice.post(f"/documents/{document_id}/reindex")
        assert (await alice.finished(document_id))["status"] == "failed"
        assert len(await alice.search("diving pool")) == 1
        file.with_suffix(".away").rename(file)
        await alice.upload("pool.pdf", b"%PDF-1.7 broken", external_id="pool")
        assert len(await alice.search("diving pool")) == 1
        assert (await alice.get(f"/documents/{document_id}/original")).status_code == 200
        await alice.add("# Pool\n\nDiving is welcome in the pool.", external_id="pool")
        assert ["welcome" in content for content in await alice.contents("diving pool")] == [True]


async def test_an_admin_reads_all_again_behind_what_is_new(
    clean_database: None, person: MakePerson, knowledge_settings: Settings, database: Database
) -> None:
    alice = person()
    admin = person(alice.subject.organization_id, role=Role.ADMIN)
    other = person()
    async with working(knowledge_settings):
        private = {2: "private"}
        mine = [
            await alice.add(f"Page {n}.", category="a" if n else "b", access=private.get(n, "organization"))
            for n in range(3)
        ]
        theirs = await other.add("Another.")
    assert (await alice.post("/documents/reindex")).status_code == 403
    wrong = await admin.post("/documents/reindex", json={"filters": {"colour": "red"}})
    assert wrong.status_code == 422
    filtered = await admin.post("/documents/reindex", json={"filters": {"category": "b"}})
    assert (filtered.status_code, filtered.json()) == (202, {"documents": 1})
    admin.headers["Idempotency-Key"] = str(uuid4())
    answers = [(await admin.post("/documents/reindex")).json() for _ in range(2)]
    # The third is read again too, and not counted for an admin who may not see it.
    assert answers == [{"documents": 1}, {"documents": 1}]
    statuses = [(await alice.show(document_id))["status"] for document_id in mine]
    assert statuses == ["pending"] * 3
    assert (await other.show(theirs))["status"] == "completed"
    async with database.transaction() as session:
        waiting = text("SELECT again FROM knowledge.revisions WHERE status = 'pending'")
        assert set(await session.scalars(waiting)) == {True}
    async with working(knowledge_settings):
        for document_id in mine:
            assert (await alice.finished(document_id))["status"] == "completed"


async def ready(person: Person, **body: Any) -> dict[str, Any]:
    answer = await person.post("/documents/export", json=body)
    assert answer.status_code == 202, answer.text
    path = f"/documents/exports/{answer.json()['export_id']}"

    async def look() -> dict[str, Any]:
        return (await person.get(path)).raise_for_status().json()

    return await until(look, found=lambda export: export["status"] in {"ready", "failed"})


def unpacked(answer: httpx.Response) -> tuple[dict[str, bytes], dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    return files, json.loads(files.pop("manifest.json"))


async def test_an_export_holds_what_its_asker_may_read_and_nothing_else(
    person: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    bob, stranger = person(alice.subject.organization_id), person()
    async with working(knowledge_settings):
        pool = await alice.upload("../pool:1.html", HTML, tags="wet", metadata='{"year": 2024}', external_id="pool")
        await alice.add("# Private\n\nMine alone.", access="private")
        shared = await bob.add("# Shared\n\nFor all.", "Shared", category="c")
        await bob.add("# Bob's\n\nBob's alone.", access="private")
        await stranger.add("# Strange\n\nElsewhere.")
        binned = await alice.add("# Binned\n\nGone.")
        await alice.delete(f"/documents/{binned}")
        export = await ready(alice)
        assert (export["status"], export["documents"]) == ("ready", 3)
        files, manifest = unpacked(await alice.get(export["download_url"]))
        assert len((await alice.get(export["download_url"])).content) == export["bytes"]
        assert len(files) == 3
        assert not any("alone" in content.decode() and "Bob" in content.decode() for content in files.values())
        entries = {entry["document_id"]: entry for entry in manifest["documents"]}
        entry = entries[pool["document_id"]]
        assert files[entry["path"]] == HTML
        assert entry["path"] == f"documents/{pool['document_id']}/pool 1.html"
        assert entry["sha256"] == hashlib.sha256(HTML).hexdigest()
        assert {name: entry[name] for name in ("tags", "metadata", "external_id", "access")} == {
            "tags": ["wet"],
            "metadata": {"year": 2024},
            "external_id": "pool",
            "access": "organization",
        }
        filtered = await ready(bob, filters={"category": "c"})
        assert [one["document_id"] for one in unpacked(await bob.get(filtered["download_url"]))[1]["documents"]] == [
            shared
        ]
        for other in (bob, stranger):
            assert (await other.get(f"/documents/exports/{export['export_id']}")).status_code == 404
            assert (await other.get(export["download_url"])).status_code == 404


async def test_an_export_of_nothing_is_an_empty_manifest(person: MakePerson, packer: Packer) -> None:
    alice = person()
    path = f"/documents/exports/{(await alice.post('/documents/export')).json()['export_id']}"
    while await packer.turn():
        pass
    files, manifest = unpacked(await alice.get(f"{path}/download"))
    assert (files, manifest["documents"]) == ({}, [])


async def test_what_is_closed_or_purged_after_packing_is_not_handed_out(
    person: MakePerson, packer: Packer, knowledge_settings: Settings
) -> None:
    alice = person()
    bob = person(alice.subject.organization_id)
    document_id = await alice.send("# Open\n\nThe kingfisher dives.")
    path = f"/documents/exports/{(await bob.post('/documents/export')).json()['export_id']}"
    not_ready = await bob.get(f"{path}/download")
    assert (not_ready.status_code, not_ready.json()["code"]) == (409, "CONFLICT")
    while await packer.turn():
        pass
    assert (await bob.get(f"{path}/download")).status_code == 200
    await alice.patch(f"/documents/{document_id}", json={"access": "private"})
    assert (await bob.get(f"{path}/download")).status_code == 409
    await alice.patch(f"/documents/{document_id}", json={"access": "organization"})
    assert (await bob.get(f"{path}/download")).status_code == 200
    await alice.delete(f"/documents/{document_id}?purge=true")
    assert (await bob.get(path)).status_code == 404
    folder = knowledge_settings.home / "blobs" / str(alice.subject.organization_id)

    async def left() -> int:
        return len([file for file in folder.rglob("*") if file.is_file()])

    async with working(knowledge_settings):
        await until(left, found=lambda count: count == 0)


async def test_what_is_closed_while_it_is_packed_is_packed_without_it(
    person: MakePerson, packer: Packer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    bob = person(alice.subject.organization_id)
    kept, closed = await alice.send("One."), await alice.send("Two.")
    path = f"/documents/exports/{(await bob.post('/documents/export')).json()['export_id']}"
    put = FolderBlobStore.put

    async def put_then_close(self: FolderBlobStore, *arguments: Any) -> tuple[str, int]:
        stored = await put(self, *arguments)
        monkeypatch.setattr(FolderBlobStore, "put", put)
        await alice.patch(f"/documents/{closed}", json={"access": "private"})
        return stored

    monkeypatch.setattr(FolderBlobStore, "put", put_then_close)
    while await packer.turn():
        pass
    manifest = unpacked(await bob.get(f"{path}/download"))[1]
    assert [entry["document_id"] for entry in manifest["documents"]] == [kept]


async def test_an_export_waits_however_long_the_store_is_away(
    clean_database: None, person: MakePerson, packer: Packer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    document_id = await alice.send("One.")
    path = f"/documents/exports/{(await alice.post('/documents/export')).json()['export_id']}"

    async def away(*_arguments: object) -> None:
        raise StoreAwayError

    with monkeypatch.context() as patch:
        patch.setattr(FolderBlobStore, "put", away)
        for _ in range(MAX_ATTEMPTS + 1):
            with pytest.raises(StoreAwayError):
                await packer.turn()
        assert (await alice.get(path)).json()["status"] == "pending"
    assert await packer.turn()
    manifest = unpacked(await alice.get(f"{path}/download"))[1]
    assert [entry["document_id"] for entry in manifest["documents"]] == [document_id]


async def test_one_export_at_a_time_and_one_kept(
    clean_database: None, person: MakePerson, packer: Packer, database: Database, knowledge_settings: Settings
) -> None:
    alice = person()
    await alice.send("One.")
    answers = await asyncio.gather(*(alice.post("/documents/export") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    first = next(answer for answer in answers if answer.status_code == 202).json()["export_id"]
    assert await packer.turn()
    assert (await alice.get(f"/documents/exports/{first}")).json()["status"] == "ready"
    second = (await alice.post("/documents/export")).json()["export_id"]
    assert (await alice.get(f"/documents/exports/{first}")).status_code == 404
    assert await packer.turn()
    async with database.transaction() as session:
        await session.execute(text("UPDATE knowledge.exports SET expires_at = now() - interval '1 second'"))
    assert (await alice.get(f"/documents/exports/{second}/download")).status_code == 404
    await packer.expire()
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM knowledge.exports")) == 0
    folder = knowledge_settings.home / "blobs" / str(alice.subject.organization_id)

    async def left() -> int:
        return len([file for file in folder.rglob("*") if file.is_file()])

    async with working(knowledge_settings):
        await until(left, found=lambda count: count == 1)


async def test_an_export_whose_worker_is_killed_is_packed_by_another(
    clean_database: None, person: MakePerson, packer: Packer, database: Database, knowledge_settings: Settings
) -> None:
    alice = person()
    content = os.urandom(30_000_000)
    for number in range(2):
        await alice.post("/documents", files={"file": (f"{number}.txt", b"x" + content)}, data={"external_id": number})
    async with database.transaction() as session:
        # Only the export is to be worked on.
        await session.execute(text("UPDATE knowledge.revisions SET status = 'failed'"))
    path = f"/documents/exports/{(await alice.post('/documents/export')).json()['export_id']}"
    urls = {f"FOOTNOTE_SERVICE_URLS__{name.upper()}": url for name, url in knowledge_settings.service_urls.items()}
    # Other tests' workers have ports too, and the stack leaves a short lease in the environment.
    own = {"FOOTNOTE_BASE_PORT": str(free_base_port()), "FOOTNOTE_INGESTION__LEASE_S": "60"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.knowledge.worker", cwd=REPOSITORY, env=os.environ | urls | own
    )

    async def status() -> str:
        return (await alice.get(path)).json()["status"]

    try:
        await until(status, found=lambda seen: seen == "running")
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert await status() == "running"
    assert not await packer.turn()
    async with database.transaction() as session:
        await session.execute(text("UPDATE knowledge.exports SET lease_until = now() - interval '1 second'"))
    assert await packer.turn()
    files, _ = unpacked(await alice.get(f"{path}/download"))
    assert [len(file) for file in files.values()] == [30_000_001] * 2
