"""Documents in and out, between real processes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from tests.integration.services.knowledge.traces import holding
from tests.stack import Member, Stack, until

MUSEUM = """# Museum

## Opening

The museum opens at ten.

## Tickets

A ticket costs twelve euros.
"""


@pytest.fixture(scope="module")
async def member(stack: Stack) -> AsyncIterator[Member]:
    async with stack.member() as member:
        yield member


async def passages(member: Member, document_id: str) -> dict[str, str]:
    page = (await member.http.get(f"/documents/{document_id}/passages")).raise_for_status().json()
    return {item["content"]: item["chunk_id"] for item in page["items"]}


async def stored_bytes(member: Member) -> int:
    usage = (await member.http.get("/billing/usage")).raise_for_status().json()
    return usage["resources"]["storage_bytes"]["used"]


async def test_the_same_external_id_replaces_and_unchanged_passages_keep_their_ids(member: Member) -> None:
    first = await member.add(MUSEUM, "Museum", external_id="museum.md")
    before = await passages(member, first)
    second = await member.add(MUSEUM.replace("twelve", "fourteen"), "Museum", external_id="museum.md")
    assert second == first
    after = await passages(member, second)
    kept = set(before) & set(after)
    assert [content for content in kept if "opens at ten" in content]
    assert all(before[content] == after[content] for content in kept)
    found = await member.http.post("/search", json={"query": "ticket costs euros"})
    assert "fourteen" in found.text
    assert "twelve" not in found.text
    original = f"/documents/{second}/original"
    head, whole = await member.http.head(original), await member.http.get(original)
    assert (head.status_code, head.content) == (whole.status_code, b"") == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"] == str(len(whole.content))


async def test_readers_see_old_or_new_content_never_both_or_none(member: Member) -> None:
    await member.add("The password of the day is: marmot-0.", "Day", external_id="day.md")
    seen: list[list[str]] = []
    stopping = asyncio.Event()

    async def keep_searching() -> None:
        while not stopping.is_set():
            answer = await member.http.post("/search", json={"query": "password of the day marmot", "top_k": 5})
            seen.append([r["content"] for r in answer.json()["results"] if "marmot" in r["content"]])

    searching = asyncio.create_task(keep_searching())
    for number in range(1, 6):
        await member.add(f"The password of the day is: marmot-{number}.", "Day", external_id="day.md")
    stopping.set()
    await searching
    assert seen
    assert all(len(contents) == 1 for contents in seen)


async def test_storage_is_counted_while_kept_and_given_back_after(stack: Stack) -> None:
    async with stack.member() as member:
        text = "Bytes are counted. " * 50
        document_id = await member.add(text, "Counted")
        assert await stored_bytes(member) == len(text.encode())
        await member.http.delete(f"/documents/{document_id}?purge=true")

        async def given_back() -> bool | None:
            return True if await stored_bytes(member) == 0 else None

        assert await until(given_back)
        folder = stack.settings.home / "blobs"

        async def purged() -> bool | None:
            return None if holding(folder, b"Bytes are counted.") else True

        assert await until(purged)


async def test_a_full_plan_refuses_an_upload_and_keeps_nothing_of_it(stack: Stack) -> None:
    async with stack.member(plan="free") as member:
        big = b"# Big\n\n" + b"word " * 20_100_000
        refused = await member.http.post("/documents", files={"file": ("big.md", big)}, timeout=120)
        assert refused.status_code == 429
        assert refused.json()["code"] == "QUOTA_EXCEEDED"
        assert (await member.http.get("/documents")).json()["items"] == []
        assert await stored_bytes(member) == 0


async def test_a_file_with_fields_arrives_as_it_was_sent(member: Member) -> None:
    html = b"<html><head><title>Rules</title></head><body><h1>Pool</h1><p>No diving in the pool.</p></body></html>"
    accepted = await member.http.post(
        "/documents",
        files={"file": ("../../pool.html", html)},
        data={"category": "rules", "tags": '["pool", "safety"]', "access": "private", "external_id": "pool"},
    )
    assert accepted.status_code == 202, accepted.text
    document = await member.finished(accepted.json()["document_id"])
    assert (document["title"], document["category"], document["tags"]) == ("Rules", "rules", ["pool", "safety"])
    assert document["access"] == "private"
    found = await member.http.post("/search", json={"query": "diving", "filters": {"tags": ["safety"]}})
    assert [result["external_id"] for result in found.json()["results"]] == ["pool"]
    assert (await member.http.post("/search", json={"query": "diving", "filters": {"category": "x"}})).json()[
        "results"
    ] == []


async def test_a_batch_keeps_its_order(member: Member) -> None:
    documents = [{"title": f"Batch {n}", "text": f"Batch entry number {n}.", "external_id": f"b{n}"} for n in range(20)]
    answer = await member.http.post("/documents/batch", json={"documents": documents})
    assert answer.status_code == 202
    ids = [item["document_id"] for item in answer.json()["items"]]
    shown = [(await member.finished(document_id))["external_id"] for document_id in ids]
    assert shown == [document["external_id"] for document in documents]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": "x", "top_k": 0}, "top_k"),
        ({"query": "x", "top_k": 101}, "top_k"),
        ({"query": "x", "colour": 1}, "colour"),
        ({"query": "x", "filters": {"date_from": "soon"}}, "filters.date_from"),
        ({"query": "x", "filters": {"tags": "a"}}, "filters.tags"),
        ({"query": ""}, "query"),
    ],
)
async def test_a_bad_search_is_refused_by_field(member: Member, body: dict, field: str) -> None:
    answer = await member.http.post("/search", json=body)
    assert answer.status_code == 422
    assert answer.json()["details"]["fields"][0]["field"] == field


@pytest.mark.parametrize(
    "query", ["the of and", "!!!???", "word " * 10_000, "שלום עולם", "😀😀", "a\x00b", "' OR 1=1 --"]
)
async def test_odd_queries_are_answered(member: Member, query: str) -> None:
    assert (await member.http.post("/search", json={"query": query})).status_code == 200


async def test_a_document_whose_worker_was_killed_ends_complete(stack: Stack, member: Member) -> None:
    text = "\n\n".join(f"## Part {n}\n\nParagraph {n} tells of the {n}th heron at the weir." for n in range(800))
    accepted = await member.http.post("/documents", json={"title": "Herons", "text": text})
    document_id = accepted.json()["document_id"]

    async def processing() -> bool | None:
        document = (await member.http.get(f"/documents/{document_id}")).json()
        return True if document["status"] == "processing" else None

    await until(processing)
    os.kill(stack.supervisor.processes()["knowledge-worker"], signal.SIGKILL)
    found = await member.http.post("/search", json={"query": "the 5th heron at the weir"})
    assert "heron" not in found.text

    async def ended() -> dict | None:
        document = (await member.http.get(f"/documents/{document_id}")).json()
        return document if document["status"] in {"completed", "failed"} else None

    document = await until(ended, 120)
    assert document["status"] == "completed"
    listed = (await member.http.get(f"/documents/{document_id}/passages", params={"limit": 100})).json()
    assert len(listed["items"]) == min(100, document["chunk_count"])
