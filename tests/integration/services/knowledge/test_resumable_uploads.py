"""Resumable uploads by the tus protocol, and the command line's use of them."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from rich.console import Console
from sqlalchemy import text

from libs.config.settings import Settings
from libs.contracts.identity import Role
from libs.stores.postgres import Database
from scripts import resuming, sending
from scripts.api import Api
from scripts.ingest import ingest
from services.knowledge.main import blob_store, resumable_uploads, uploads
from tests.integration.services.knowledge.conftest import Person, until

pytestmark = pytest.mark.usefixtures("worker")

TUS = {"Tus-Resumable": "1.0.0"}
TEXT = b"# Boats\n\nThe boat leaves at noon.\n"
SHA256 = hashlib.sha256(TEXT).hexdigest()


def metadata(**values: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


async def announced(person: Person, length: int = len(TEXT), **values: str) -> httpx.Response:
    headers = TUS | {"Upload-Length": str(length), "Upload-Metadata": metadata(**{"filename": "boats.md"} | values)}
    return await person.http.post("/documents/uploads", headers=person.headers | headers)


async def begun(person: Person, length: int = len(TEXT), **values: str) -> str:
    answer = await announced(person, length, **values)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    return answer.headers["Location"]


async def part(person: Person, path: str, offset: int, content: Any, **headers: str) -> httpx.Response:
    sent = TUS | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"} | headers
    return await person.http.patch(path, content=content, headers=person.headers | sent)


async def offset_of(person: Person, path: str) -> int:
    answer = (await person.http.head(path, headers=person.headers | TUS)).raise_for_status()
    assert answer.headers["Cache-Control"] == "no-store"
    return int(answer.headers["Upload-Offset"])


async def test_parts_become_one_document_with_what_was_said_of_it(person: Callable[..., Person]) -> None:
    someone = person()
    said = {"category": "trips", "language": "nl", "date": "2024-05-06"}
    path = await begun(someone, title="Ferries", tags='["sea"]', sha256=SHA256, **said)
    first = await part(someone, path, 0, TEXT[:10])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "10")
    assert await offset_of(someone, path) == 10
    last = await part(someone, path, 10, TEXT[10:])
    document = await someone.finished(last.headers["Footnote-Document-Id"])
    assert (document["status"], document["title"], document["tags"]) == ("completed", "Ferries", ["sea"])
    assert (document["language"], document["date"]) == ("nl", "2024-05-06T00:00:00Z")
    assert "The boat leaves at noon." in (await someone.contents("boat leaves"))[0]
    again = await part(someone, path, len(TEXT), b"")
    assert again.headers["Footnote-Document-Id"] == document["document_id"]
    assert (await someone.get("/documents/uploads")).json()["items"] == []
    assert len((await someone.get("/documents")).json()["items"]) == 1


async def test_what_came_before_the_connection_broke_counts(person: Callable[..., Person]) -> None:
    someone = person()
    path = await begun(someone)

    async def breaking() -> AsyncIterator[bytes]:
        yield TEXT[:12]
        await until(offset_of, someone, path, found=lambda offset: offset == 12)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await part(someone, path, 0, breaking())

    async def resumed() -> httpx.Response:
        return await part(someone, path, 12, TEXT[12:])

    answer = await until(resumed, found=lambda answer: answer.status_code != 423)
    assert answer.status_code == 204
    assert (await someone.finished(answer.headers["Footnote-Document-Id"]))["status"] == "completed"


async def test_a_second_sender_waits_its_turn_and_starts_where_the_first_ended(person: Callable[..., Person]) -> None:
    someone = person()
    path = await begun(someone)
    going_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield TEXT[:5]
        await going_on.wait()
        yield TEXT[5:8]

    first = asyncio.create_task(part(someone, path, 0, slow()))
    await until(offset_of, someone, path, found=lambda offset: offset == 5)
    assert (await part(someone, path, 5, TEXT[5:])).status_code == 423
    going_on.set()
    assert (await first).headers["Upload-Offset"] == "8"
    wrong = await part(someone, path, 5, TEXT[5:])
    assert (wrong.status_code, wrong.headers["Upload-Offset"]) == (409, "8")


async def test_a_name_that_another_document_has_is_refused_and_no_whole_upload_is_left(
    person: Callable[..., Person],
) -> None:
    someone = person()
    colleague = person(someone.subject.organization_id)
    path = await begun(someone, external_id="plan")
    for access, status in (("organization", 403), ("private", 409)):
        await colleague.add("A plan.", "Plan", access=access, external_id="plan")
        assert (await announced(someone, external_id="plan")).status_code == status
    refused = await part(someone, path, 0, TEXT)
    assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")
    assert (await someone.http.head(path, headers=someone.headers | TUS)).status_code == 404


async def test_refusals_are_those_of_an_upload(person: Callable[..., Person], knowledge_settings: Settings) -> None:
    someone = person()
    assert (await announced(someone, knowledge_settings.max_upload_bytes + 1)).status_code == 413
    assert (await announced(someone, filename="tool.exe")).status_code == 415
    assert (await announced(someone, acess="private")).status_code == 422
    assert (await announced(someone, access='{"groups": []}')).status_code == 422
    assert (await announced(someone, date="yesterday")).status_code == 422
    assert (await announced(someone, sha256="short")).status_code == 422
    assert (await announced(someone, 0)).status_code == 422
    path = await begun(someone)
    assert (await part(someone, path, 0, TEXT + b"more")).status_code == 413
    assert (await part(someone, path, 0, TEXT, **{"Content-Type": "text/plain"})).status_code == 415
    old = await part(someone, path, 0, TEXT, **{"Tus-Resumable": "0.2.2"})
    assert (old.status_code, old.headers["Tus-Version"]) == (412, "1.0.0")
    colleague = person(someone.subject.organization_id, Role.ADMIN)
    for other in (colleague, person()):
        assert (await other.http.head(path, headers=other.headers | TUS)).status_code == 404
        assert (await part(other, path, 0, TEXT)).status_code == 404
        assert (await other.http.delete(path, headers=other.headers | TUS)).status_code == 404
    unreadable = await begun(someone, filename="mystery", length=5)
    assert (await part(someone, unreadable, 0, b"\x7fELF\x00")).status_code == 415
    damaged = await begun(someone, sha256=SHA256.translate(str.maketrans("0123", "1230")))
    assert (await part(someone, damaged, 0, TEXT)).status_code == 422
    assert (await someone.http.head(damaged, headers=someone.headers | TUS)).status_code == 404
    assert (await someone.get("/documents")).json()["items"] == []


async def test_a_member_has_a_bounded_number_and_size_of_them(
    person: Callable[..., Person], knowledge_settings: Settings
) -> None:
    someone = person()
    largest = knowledge_settings.max_upload_bytes
    paths = [await begun(someone, largest) for _ in range(4)]
    refused = await announced(someone, 1)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert "You have too many" in refused.json()["message"]
    colleague = person(someone.subject.organization_id)
    assert (await announced(colleague, 1)).status_code == 201
    assert (await someone.http.delete(paths[0], headers=someone.headers | TUS)).status_code == 204
    answers = await asyncio.gather(*(announced(someone, 1) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 17 + [429] * 3


async def test_an_organisation_has_a_bounded_size_of_them(
    person: Callable[..., Person], knowledge_settings: Settings
) -> None:
    someone = person()
    members = [someone, *(person(someone.subject.organization_id) for _ in range(4))]
    answers = await asyncio.gather(
        *(announced(member, knowledge_settings.max_upload_bytes) for member in members for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 16 + [429] * 4
    assert (await announced(person(), 1)).status_code == 201


async def test_finishing_twice_after_a_crash_adds_one_document(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    someone = person()
    path = await begun(someone)
    first = (await part(someone, path, 0, TEXT)).headers["Footnote-Document-Id"]
    upload_id = path.rpartition("/")[2]
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE partial_uploads SET document_id = NULL WHERE id = :id").bindparams(id=UUID(upload_id))
        )
    folder = knowledge_settings.home / "partial-uploads" / str(someone.subject.organization_id)
    (folder / f"{upload_id}.part").write_bytes(TEXT)
    assert (await part(someone, path, len(TEXT), b"")).headers["Footnote-Document-Id"] == first
    assert len((await someone.get("/documents")).json()["items"]) == 1


async def test_what_expired_is_purged_with_its_bytes(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    someone = person()
    path = await begun(someone)
    await part(someone, path, 0, TEXT[:5])
    (file,) = (knowledge_settings.home / "partial-uploads" / str(someone.subject.organization_id)).iterdir()
    async with database.transaction() as session:
        await session.execute(text("UPDATE partial_uploads SET expires_at = now() - interval '1 second'"))
    assert (await someone.http.head(path, headers=someone.headers | TUS)).status_code == 404
    accepting = uploads(knowledge_settings, database, blob_store(knowledge_settings, database), None)  # pyright: ignore - purging asks no billing
    await resumable_uploads(knowledge_settings, database, accepting).purge()
    assert not file.exists()


async def test_the_command_line_goes_on_where_it_was_cut_off(
    person: Callable[..., Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = person()
    monkeypatch.setattr(sending, "FROM_BYTES", 1_000)
    monkeypatch.setattr(resuming, "PART_BYTES", 1_000)
    file = tmp_path / "large.html"
    file.write_text("<p>The museum opens at ten.</p>\n" * 200)
    sent: list[int] = []

    @asynccontextmanager
    async def api(breaks_at: int) -> AsyncIterator[Api]:
        async def note(request: httpx.Request) -> None:
            if request.method == "PATCH":
                if len(sent) == breaks_at:
                    raise KeyboardInterrupt
                sent.append(int(request.headers["Upload-Offset"]))

        hooks = {"request": [*someone.http.event_hooks["request"], note]}  # the first renews the service token
        async with httpx.AsyncClient(
            base_url=someone.http.base_url, headers=someone.headers, timeout=60, event_hooks=hooks
        ) as http:
            yield Api(http)

    with pytest.raises(KeyboardInterrupt):
        async with api(3) as interrupted:
            await ingest(interrupted, [file], Console(quiet=True))
    async with api(1_000) as resumed:
        report = await ingest(resumed, [file], Console(quiet=True))
    assert (report.indexed, report.failed) == (1, [])
    assert sent == list(range(0, file.stat().st_size, 1_000))
