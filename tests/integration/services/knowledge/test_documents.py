"""Documents in, shown and given up, with everything real but the sign-in."""

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from libs.config.settings import Settings
from libs.contracts.identity import Role
from libs.stores.postgres import Database
from tests.integration.services.knowledge import samples
from tests.integration.services.knowledge.conftest import Person, until
from tests.integration.services.knowledge.traces import bytes_of

pytestmark = pytest.mark.usefixtures("frequent_sweeps", "worker")

MakePerson = Callable[..., Person]
PAGE = "# Harbour\n\nThe harbour closes at dusk.\n\n## Fees\n\nA berth costs nine euros a night.\n"


def cursor_of(position: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


async def test_a_file_with_fields_arrives_as_it_was_sent(person: MakePerson) -> None:
    alice = person()
    made = await alice.post("/documents/collections", json={"name": "Pools"})
    collection = made.json()["collection_id"]
    html = b"<html><head><title>Rules</title></head><body><h1>Pool</h1><p>No diving here.</p></body></html>"
    document = await alice.upload(
        "../../pool.html",
        html,
        category="it's rules",
        tags='["pool", "safety"]',
        access="private",
        external_id="pool",
        collection_id=collection,
    )
    assert document["status"] == "completed"
    expected = {
        "title": "Rules",
        "category": "it's rules",
        "tags": ["pool", "safety"],
        "access": "private",
        "external_id": "pool",
        "collection_id": collection,
        "size_bytes": len(html),
        "media_type": "text/html",
        "error": None,
    }
    assert {name: document[name] for name in expected} == expected
    assert document["chunk_count"] >= 1


async def test_a_passage_is_shown_in_its_surroundings(person: MakePerson) -> None:
    alice = person()
    sections = "\n\n".join(f"## Part {n}\n\n" + f"Sentence {n} tells of part {n}. " * 40 for n in range(12))
    document_id = await alice.add(f"# Book\n\n{sections}", "Book", external_id="book")
    page = (await alice.get(f"/documents/{document_id}/passages", params={"limit": 5})).json()
    assert len(page["items"]) == 5
    listed = page["items"]
    while page["next_cursor"]:
        query = {"limit": 5, "cursor": page["next_cursor"]}
        page = (await alice.get(f"/documents/{document_id}/passages", params=query)).json()
        listed += page["items"]
    assert len(listed) == (await alice.get(f"/documents/{document_id}")).json()["chunk_count"]
    starts = [passage["location"]["start"] for passage in listed]
    assert starts == sorted(starts)
    middle = listed[len(listed) // 2]
    shown = (await alice.get(f"/documents/{document_id}/passages/{middle['chunk_id']}")).json()
    assert {name: shown[name] for name in middle} == middle
    assert (shown["title"], shown["external_id"]) == ("Book", "book")
    assert len(shown["before"]) == len(shown["after"]) == 600
    following = listed[len(listed) // 2 + 1]
    if following["location"]["start"] >= middle["location"]["end"]:
        assert following["content"][:40] in shown["after"]
    first = (await alice.get(f"/documents/{document_id}/passages/{listed[0]['chunk_id']}")).json()
    assert first["before"] == ""


async def test_documents_are_listed_newest_first_in_pages_and_by_filter(person: MakePerson) -> None:
    alice = person()
    documents = [{"title": f"Report {n} 100%_sure", "text": f"Entry {n}.", "external_id": f"r{n}"} for n in range(5)]
    answer = await alice.post("/documents/batch", json={"documents": documents})
    assert answer.status_code == 202
    ids = [item["document_id"] for item in answer.json()["items"]]
    for document_id in ids:
        await alice.finished(document_id)
    await alice.upload("broken.pdf", b"%PDF-1.7 broken")
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await alice.get("/documents", params={"limit": 2, **cursor})).json()
        seen += [item["external_id"] for item in page["items"]]
        if not page["next_cursor"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen[0] is None
    assert set(seen[1:]) == {f"r{n}" for n in range(5)}
    by_status = (await alice.get("/documents", params={"status": "failed"})).json()
    assert [item["title"] for item in by_status["items"]] == ["broken.pdf"]
    by_title = (await alice.get("/documents", params={"q": "3 100%_S"})).json()
    assert [item["external_id"] for item in by_title["items"]] == ["r3"]
    assert (await alice.get("/documents", params={"q": "3%sure"})).json()["items"] == []


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("secret.pdf", samples.pdf([[(12, 72, 700, "Hidden")]], password="open"), "encrypted"),
        ("torn.pdf", b"%PDF-1.7\n" + b"\x00garbage" * 50, "corrupt"),
        ("torn.docx", b"PK\x03\x04 not really a zip", "corrupt"),
        ("empty.md", b"", "empty"),
        ("blank.txt", b" \n\t ", "empty"),
    ],
)
async def test_unreadable_files_are_accepted_and_end_failed_with_the_reason(
    person: MakePerson, name: str, content: bytes, code: str
) -> None:
    alice = person()
    document = await alice.upload(name, content)
    assert document["status"] == "failed"
    assert document["error"]["code"] == code
    assert document["error"]["message"]
    assert document["chunk_count"] == 0
    await alice.add(PAGE, "Harbour")
    assert await alice.contents("harbour dusk")


@pytest.mark.parametrize(
    ("request_options", "status", "field"),
    [
        ({"files": {"file": ("a.exe", b"MZ\x00\x00")}}, 415, None),
        ({"files": {"file": ("a.7z", b"7z\xbc\xaf\x27\x1c\x00")}}, 415, None),
        ({"content": b"text", "headers": {"Content-Type": "text/plain"}}, 415, None),
        ({"json": {"title": "x"}}, 422, "text"),
        ({"json": {"title": "x", "text": "y", "colour": "red"}}, 422, "colour"),
        ({"json": {"title": "a\x00b", "text": "y"}}, 422, "title"),
        ({"json": {"title": "x", "text": "y", "tags": ["a\x00"]}}, 422, "tags"),
        ({"json": {"title": "x", "text": "y", "access": {"groups": []}}}, 422, "access"),
        ({"files": {"other": ("a.md", b"x")}}, 422, "file"),
        ({"files": {"file": ("a.md", b"x")}, "data": {"access": "{not json"}}, 422, "access"),
        ({"files": {"file": ("a.md", b"x")}, "data": {"access": "everyone"}}, 422, "access"),
        ({"files": {"file": ("a.md", b"x")}, "data": {"collection_id": "7"}}, 422, "collection_id"),
        ({"files": {"file": ("a.md", b"x")}, "data": {"unknown": "7"}}, 422, "unknown"),
    ],
)
async def test_a_bad_upload_is_refused_by_name_and_leaves_nothing(
    person: MakePerson, request_options: dict[str, Any], status: int, field: str | None
) -> None:
    alice = person()
    headers = alice.headers | request_options.pop("headers", {})
    answer = await alice.http.post("/documents", headers=headers, **request_options)
    assert answer.status_code == status, answer.text
    if field:
        assert answer.json()["details"]["fields"][0]["field"].startswith(field)
    assert (await alice.get("/documents")).json()["items"] == []


async def test_a_batch_is_accepted_whole_or_not_at_all(person: MakePerson) -> None:
    alice = person()
    twice = [{"title": "One", "text": "1", "external_id": "same"}, {"title": "Two", "text": "2", "external_id": "same"}]
    answer = await alice.post("/documents/batch", json={"documents": twice})
    assert answer.status_code == 422
    foreign = [{"title": "One", "text": "1"}, {"title": "Two", "text": "2", "access": {"groups": [str(uuid4())]}}]
    assert (await alice.post("/documents/batch", json={"documents": foreign})).status_code == 422
    assert (await alice.get("/documents")).json()["items"] == []


async def test_an_upload_sent_twice_with_one_key_is_one_document(person: MakePerson) -> None:
    alice = person()
    alice.headers["Idempotency-Key"] = str(uuid4())
    body = {"title": "Once", "text": "Only once."}
    first, second = [await alice.post("/documents", json=body) for _ in range(2)]
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    assert (await alice.post("/documents", json={**body, "text": "Other."})).status_code == 422
    alice.headers["Idempotency-Key"] = str(uuid4())
    files = [{"file": ("a.md", content)} for content in (b"# One", b"# One", b"# Two")]
    sent = [await alice.post("/documents", files=one) for one in files]
    assert [answer.status_code for answer in sent] == [202, 202, 422]
    assert sent[0].json() == sent[1].json()
    assert len((await alice.get("/documents")).json()["items"]) == 2
    assert (await alice.finished(sent[0].json()["document_id"]))["status"] == "completed"


async def test_a_deleted_document_is_gone_at_once_while_the_index_still_has_it(
    person: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    document_id = await alice.add(PAGE, "Harbour", external_id="harbour")
    found = await alice.search("harbour closes at dusk")
    chunk_ids = [result["chunk_id"] for result in found]
    assert (await alice.delete(f"/documents/{document_id}")).status_code == 204
    assert await alice.search("harbour closes at dusk") == []
    assert (await alice.get(f"/documents/{document_id}")).status_code == 404
    assert (await alice.get(f"/documents/{document_id}/passages")).status_code == 404
    assert (await alice.get(f"/documents/{document_id}/passages/{chunk_ids[0]}")).status_code == 404
    readable = await alice.post("/internal/readable", json={"chunk_ids": chunk_ids})
    assert readable.json() == {"chunk_ids": []}
    assert (await alice.delete(f"/documents/{document_id}")).status_code == 404
    again = await alice.add(PAGE, "Harbour", external_id="harbour")
    assert again != document_id


async def test_purging_leaves_no_row_and_no_file(
    person: MakePerson, knowledge_settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.knowledge.purge.READERS_FINISH", timedelta(seconds=0.3))
    alice = person()
    document_id = await alice.add("# Grebe\n\nThe grebe dives.", "Grebe")
    copy_id = await alice.add("# Grebe\n\nThe grebe dives.", "A copy")
    folder = knowledge_settings.home / "blobs" / str(alice.subject.organization_id)

    def files() -> list[bytes]:
        return [bytes_of(path) for path in folder.rglob("*") if path.is_file()]

    assert len(files()) == 1
    await alice.delete(f"/documents/{document_id}?purge=true")
    await until_purged(database, document_id)
    assert len(files()) == 1
    await alice.add("# Another\n\nSwans.", "Swans")
    await alice.delete(f"/documents/{copy_id}?purge=true")
    await until_purged(database, copy_id)
    await until(asyncio.to_thread, files, found=lambda contents: b"grebe" not in b"".join(contents))


async def until_purged(database: Database, document_id: str) -> None:
    async def rows() -> int:
        tables = (("documents", "id"), ("revisions", "document_id"), ("texts", "document_id"))
        counts = [f"(SELECT count(*) FROM knowledge.{table} WHERE {column} = :id)" for table, column in tables]  # noqa: S608 - names of ours
        async with database.transaction() as session:
            return await session.scalar(text(f"SELECT {' + '.join(counts)}"), {"id": UUID(document_id)}) or 0

    await until(rows, found=lambda left: left == 0)


async def test_only_the_owner_and_admins_delete_or_replace(person: MakePerson) -> None:
    alice = person()
    bob = person(alice.subject.organization_id)
    admin = person(alice.subject.organization_id, role=Role.ADMIN)
    document_id = await alice.add(PAGE, "Harbour", external_id="harbour")
    assert (await bob.delete(f"/documents/{document_id}")).status_code == 403
    replaced = await bob.post("/documents", json={"title": "Mine", "text": "x", "external_id": "harbour"})
    assert replaced.status_code == 403
    assert (await bob.get(f"/documents/{document_id}")).json()["title"] == "Harbour"
    assert (await admin.delete(f"/documents/{document_id}")).status_code == 204


async def test_odd_cursors_and_ids_are_refused(person: MakePerson) -> None:
    alice = person()
    document_id = await alice.add(PAGE, "Harbour")
    moment = "2026-01-01T00:00:00+00:00"
    odd = ([moment, 5], [moment, None], [moment], ["0001-01-01T00:00:00+23:59", str(uuid4())])
    for cursor in ("x", "WzEsMl0=", "é", "e30=", *map(cursor_of, odd)):
        answer = await alice.get("/documents", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["details"]["fields"][0]["field"]) == (422, "cursor")
    without_zone = cursor_of(["2020-01-01T00:00:00", str(uuid4())])
    assert (await alice.get("/documents", params={"cursor": without_zone})).json()["items"] == []
    for cursor in ("-1", "x", "9" * 30):
        answer = await alice.get(f"/documents/{document_id}/passages", params={"cursor": cursor})
        assert answer.status_code == 422
    beyond = await alice.get(f"/documents/{document_id}/passages", params={"cursor": "999"})
    assert beyond.json() == {"items": [], "next_cursor": None}
    assert (await alice.get("/documents", params={"q": "\x00"})).status_code == 200
    assert (await alice.get("/documents/not-an-id")).status_code == 422
    assert (await alice.get(f"/documents/{uuid4()}")).status_code == 404
