"""`footnote sync` and `footnote ingest` against the running service."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import httpx
import pytest
from rich.console import Console

from libs.contracts.identity import Role
from scripts import sending
from scripts.api import Api, ApiError
from scripts.cli import said_of_each
from scripts.ingest import ingest
from scripts.sync import SyncReport, sync
from scripts.sync_roots import SyncedRoots
from tests.integration.services.knowledge.conftest import Person

pytestmark = pytest.mark.usefixtures("worker")


@asynccontextmanager
async def api_of(person: Person) -> AsyncIterator[Api]:
    hooks = person.http.event_hooks  # which renew the service token
    async with httpx.AsyncClient(
        base_url=person.http.base_url, headers=person.headers, timeout=60, event_hooks=hooks
    ) as http:
        yield Api(http)


async def synced(person: Person, root: Path, **options: Any) -> SyncReport:
    async with api_of(person) as api:
        roots = SyncedRoots(root.parent / "synced-folders.json", str(person.subject.user_id))
        return await sync(api, root, Console(quiet=True), roots=roots, **options)


def counts(report: SyncReport) -> tuple[int, int, int, int, int]:
    return report.added, report.updated, report.moved, report.deleted, len(report.plan.unchanged)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "handbook"
    (root / "trips").mkdir(parents=True)
    (root / "opening.md").write_text("# Opening\n\nThe museum opens at ten.\n")
    (root / "trips" / "boats.md").write_text("# Boats\n\nThe boat leaves at noon.\n")
    (root / "tickets.html").write_text("<h1>Tickets</h1><p>A ticket costs twelve euros.</p>")
    return root


async def test_a_folder_is_followed_through_adds_updates_moves_and_deletes(
    person: Callable[..., Person], root: Path
) -> None:
    someone = person()
    other = await someone.add("The archive is closed.", external_id="handbook/archive.md")
    first = await synced(someone, root)
    assert counts(first) == (3, 0, 0, 0, 0)
    assert (first.passages, first.failed) == (3, [])
    (boats,) = await someone.search("boat leaves", strategy="lexical")
    assert boats["external_id"] == "sync:handbook/trips/boats.md"

    assert counts(await synced(someone, root)) == (0, 0, 0, 0, 3)

    (root / "opening.md").write_text("# Opening\n\nThe museum opens at nine.\n")
    (root / "trips" / "boats.md").rename(root / "ferries.md")
    (root / "tickets.html").unlink()
    (root / "new.txt").write_text("Lunch is at one.")
    dry = await synced(someone, root, dry_run=True)
    assert dry.plan.move == [("trips/boats.md", "ferries.md")]
    assert (dry.plan.add, dry.plan.update, dry.plan.delete) == (["new.txt"], ["opening.md"], ["tickets.html"])
    assert counts(await synced(someone, root)) == (1, 1, 1, 1, 0)
    (moved,) = await someone.search("boat leaves", strategy="lexical")
    assert (moved["document_id"], moved["chunk_id"]) == (boats["document_id"], boats["chunk_id"])
    assert moved["external_id"] == "sync:handbook/ferries.md"
    assert await someone.search("twelve euros ticket", strategy="lexical") == []
    assert "nine" in (await someone.contents("museum opens"))[0]
    assert (await someone.show(other))["status"] == "completed"


async def test_an_emptied_folder_deletes_nothing_unless_told_to(person: Callable[..., Person], root: Path) -> None:
    someone = person()
    await synced(someone, root)
    for path in ("opening.md", "trips/boats.md", "tickets.html"):
        (root / path).unlink()
    with pytest.raises(ApiError, match="--allow-empty"):
        await synced(someone, root)
    assert len(await someone.search("museum boat ticket")) == 3
    assert counts(await synced(someone, root, allow_empty=True)) == (0, 0, 0, 3, 0)
    with pytest.raises(ApiError, match="no folder"):
        await synced(someone, root / "gone", allow_empty=True)


async def test_one_bad_file_fails_alone_and_is_named_each_time(person: Callable[..., Person], root: Path) -> None:
    someone = person()
    (root / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    (root / "program.exe").write_bytes(b"MZ\x00\x00")
    (root / "nothing.md").write_text("")
    for _ in range(2):
        report = await synced(someone, root)
        assert [name for name, _ in report.failed] == ["sync:handbook/broken.pdf"]
        assert {path.name for path in report.skipped} == {"program.exe", "nothing.md"}
    assert len(report.plan.unchanged) == 4


async def test_a_colleagues_document_is_neither_replaced_nor_deleted(person: Callable[..., Person], root: Path) -> None:
    owner = person()
    colleague = person(owner.subject.organization_id, Role.MEMBER)
    await synced(owner, root)
    (root / "opening.md").write_text("# Opening\n\nNever.\n")
    (root / "tickets.html").unlink()
    report = await synced(colleague, root, yes=True)
    assert counts(report) == (0, 0, 0, 0, 1)
    assert sorted(name for name, _ in report.failed) == ["sync:handbook/opening.md", "sync:handbook/tickets.html"]
    assert "Never." not in await owner.contents("museum opens")


async def test_the_inventory_shows_only_what_the_caller_may_read_page_by_page(person: Callable[..., Person]) -> None:
    owner = person()
    colleague = person(owner.subject.organization_id)
    for number in range(5):
        await owner.send(f"Text {number}", external_id=f"sync:100%_a/{number}")
    await owner.send("Hidden", external_id="sync:100%_a/hidden", access="private")
    await owner.send("Other", external_id="sync:100xya/0")
    seen: list[str] = []
    cursor = None
    while True:
        parameters = {"prefix": "sync:100%_a/", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await colleague.get("/documents/inventory", params=parameters)).raise_for_status().json()
        seen += [item["external_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"sync:100%_a/{number}" for number in range(5)]
    stranger = await person().get("/documents/inventory", params={"prefix": ""})
    assert stranger.json()["items"] == []


async def test_renaming_is_for_the_documents_managers_and_to_free_names(person: Callable[..., Person]) -> None:
    owner = person()
    colleague = person(owner.subject.organization_id)
    one = await owner.send("One", external_id="one")
    await owner.send("Two", external_id="two")

    async def renamed(who: Person, document_id: str, external_id: str) -> int:
        path = f"/documents/{document_id}/external_id"
        return (await who.http.put(path, headers=who.headers, json={"external_id": external_id})).status_code

    assert await renamed(owner, one, "two") == 409
    assert await renamed(colleague, one, "free") == 403
    assert await renamed(person(), one, "free") == 404
    assert await renamed(owner, one, "a\x00b") == 422
    assert await renamed(owner, one, "one") == 200
    assert await renamed(owner, one, "free") == 200
    states = await owner.post("/documents/states", json={"document_ids": [one, str(uuid4())]})
    assert [item["external_id"] for item in states.json()["items"]] == ["free"]


async def test_what_is_said_on_the_command_line_is_said_of_each_document(
    person: Callable[..., Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "FROM_BYTES", 1_000)
    (tmp_path / "many.md").write_text("# Many at a time\n\nThe first.")
    (tmp_path / "one.html").write_text("<title>By itself</title><p>The second.</p>")
    (tmp_path / "parts.html").write_text(f"<title>In parts</title><p>The third.{' And more.' * 200}</p>")
    someone = person()
    async with api_of(someone) as api:
        report = await ingest(
            api, [tmp_path], Console(quiet=True), said_of_each("guide", "private", ["sea", "boats, big"])
        )
    assert (report.indexed, report.failed) == (3, [])
    for document in (await someone.get("/documents")).json()["items"]:
        assert (document["category"], document["access"]) == ("guide", "private")
        assert document["tags"] == ["sea", "boats, big"]


async def test_ingest_reports_what_failed_and_why(person: Callable[..., Person], root: Path) -> None:
    (root / "nothing.md").write_text("  ")
    (root / "program.exe").write_bytes(b"MZ\x00\x00")
    (root / "LICENSE").write_bytes(b"MZ\x00\x00")
    (root / "bom.md").write_bytes("\ufeff# Café\n\nOpen daily.".encode())
    async with api_of(person()) as api:
        report = await ingest(api, [root], Console(quiet=True), {"category": "guide"})
    assert (report.indexed, report.passages) == (4, 4)
    assert (report.failed, report.warnings) == ([("handbook/nothing.md", "the file is empty")], [])
    assert {path.name for path in report.skipped} == {"program.exe", "LICENSE"}


async def test_what_was_left_out_of_a_document_is_said_until_it_is_whole(
    person: Callable[..., Person], root: Path
) -> None:
    someone = person()

    async def reported(*members: str) -> tuple[list[tuple[str, str]], list[str]]:
        with ZipFile(root / "tour.zip", "w") as archive:
            archive.writestr("tour.md", f"# Tour\n\nIt has {len(members)} films.")
            for name in members:
                archive.writestr(name, b"\0\1")
        report = await synced(someone, root)
        (document,) = (await someone.get("/documents", params={"media_type": "application/zip"})).json()["items"]
        return report.warnings, document["warnings"]

    told, (warning,) = await reported("film.mp4")
    assert told == [("sync:handbook/tour.zip", warning)]
    assert "film.mp4" in warning
    _, warnings = await reported(*(f"{number}.mp4" for number in range(30)))
    assert (len(warnings), warnings[-1]) == (21, "And 10 more.")
    assert await reported() == ([], [])


async def test_another_folder_of_the_same_name_deletes_nothing_unless_told_to(
    person: Callable[..., Person], root: Path
) -> None:
    someone = person()
    await synced(someone, root)
    other = root.parent / "elsewhere" / "handbook"
    other.mkdir(parents=True)
    (other / "opening.md").write_text("# Opening\n\nThe castle opens at eight.\n")
    roots = SyncedRoots(root.parent / "synced-folders.json", str(someone.subject.user_id))
    async with api_of(someone) as api:
        with pytest.raises(ApiError, match="--name"):
            await sync(api, other, Console(quiet=True), roots=roots)
        assert len(await someone.search("museum boat ticket")) == 3
        report = await sync(api, other, Console(quiet=True), roots=roots, yes=True)
    assert counts(report) == (0, 1, 0, 2, 0)
