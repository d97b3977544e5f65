"""Sources that are fetched again and again, against a site on loopback."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import text

from libs.config.settings import Settings
from libs.contracts.identity import Role
from libs.stores.postgres import Database
from services.knowledge.sources import crawl
from tests.integration.libs.fetch.test_fetcher import Answer, reply
from tests.integration.services.knowledge.conftest import Person
from tests.integration.services.knowledge.visited_sites import (
    counts,
    external_ids,
    last_run,
    names,
    page,
    registered,
    visiting,
)

pytestmark = pytest.mark.usefixtures("no_other_sources")


async def test_pages_below_the_same_path_are_followed_and_kept_in_step(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    pages: dict[str, bytes | Answer] = {
        "/docs/": page("Start", "a", "/docs/b?x=1&amp;y=2#part", "../outside", "http://127.0.0.1/docs/c", "mailto:x@y"),
        "/docs/a": page("Boats leave at noon", "deep", "/docs/"),
        "/docs/b?x=1&y=2": page("Trains leave at one"),
        "/docs/deep": page("Too deep"),
        "/outside": page("Outside"),
    }
    admin = person(role=Role.ADMIN)
    async with visiting(pages, knowledge_settings, database) as visit:
        attributes = {"category": "trips", "access": "private"}
        source = await registered(admin, f"{visit.address}/docs/", depth=1, interval_hours=24, attributes=attributes)
        assert await visit.runner().turn()
        assert counts(await last_run(admin, source)) == (3, 0, 0, 0, 0)
        assert await names(admin) == {"", "a", "b?x=1&y=2"}
        assert not await visit.runner().turn()

        visit.site.pages["/docs/a"] = page("Boats leave at two")
        visit.site.pages["/docs/"] = page("Start", "a")
        del visit.site.pages["/docs/b?x=1&y=2"]
        assert (await admin.post(f"/documents/sources/{source}/runs")).status_code == 202
        assert await visit.runner().turn()
        assert counts(await last_run(admin, source)) == (0, 2, 0, 1, 0)
        assert await names(admin) == {"", "a"}

        await admin.post(f"/documents/sources/{source}/runs")
        await visit.runner().turn()
        assert counts(await last_run(admin, source)) == (0, 0, 2, 0, 0)
    (shown,) = (await admin.get("/documents/sources")).json()["items"]
    assert shown["next_run_at"] > shown["last_run"]["finished_at"]
    assert {document["category"] for document in (await admin.get("/documents")).json()["items"]} == {"trips"}


async def test_links_lead_from_the_address_that_a_page_names_as_its_base(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    pages: dict[str, bytes | Answer] = {"/docs/b": page("B"), "/docs/a": page("A"), "/docs/sub/a": page("A in sub")}
    admin = person(role=Role.ADMIN)
    async with visiting(pages, knowledge_settings, database) as visit:
        for base in ("/docs/sub/", "sub/x.html", f"{visit.address}/docs/sub/", "//[", None):
            head = f'<base target=x href="{base}"><base href="/elsewhere/">' if base else "<base>"
            body = f'{head}<a href="a">a</a><a href="/docs/b">b</a>'.encode()
            visit.site.pages["/docs/"] = reply(body, Content_Type="text/html")
            visit.site.asked.clear()
            await registered(admin, f"{visit.address}/docs/", depth=1)
            await visit.runner().turn()
            led = "/docs/a" if base in ("//[", None) else "/docs/sub/a"
            assert {*visit.site.paths} - {"/robots.txt", "/docs/"} == {led, "/docs/b"}


async def test_a_sources_collection_is_there_as_long_as_the_source(person: Callable[..., Person]) -> None:
    admin, other = person(role=Role.ADMIN), person(role=Role.ADMIN)
    made = await other.post("/documents/collections", json={"name": "Theirs", "access": "organization"})
    body = {"address": "https://example.com/", "attributes": {"collection_id": made.json()["collection_id"]}}
    refused = await admin.post("/documents/sources", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "VALIDATION_ERROR")
    made = await admin.post("/documents/collections", json={"name": "Ours", "access": "organization"})
    collection = f"/documents/collections/{made.json()['collection_id']}"
    attributes = {"collection_id": made.json()["collection_id"]}
    source = await registered(admin, "https://example.com/", attributes=attributes)
    assert (await admin.delete(collection)).status_code == 409
    assert (await admin.delete(f"/documents/sources/{source}?keep_documents=true")).status_code == 204
    assert (await admin.delete(collection)).status_code == 204


async def test_nothing_is_deleted_when_the_site_could_not_be_seen_whole(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    pages: dict[str, bytes | Answer] = {"/": page("Start", "/a"), "/a": page("A", "/b"), "/b": page("B")}
    admin = person(role=Role.OWNER)
    async with visiting(pages, knowledge_settings, database) as visit:
        source = await registered(admin, f"{visit.address}/", depth=3)
        await visit.runner().turn()
        assert await names(admin) == {"", "a", "b"}

        visit.site.pages["/a"] = reply(status="500 Broken")
        await admin.post(f"/documents/sources/{source}/runs")
        await visit.runner().turn()
        run = await last_run(admin, source)
        assert counts(run) == (0, 0, 1, 0, 2)
        assert "were kept" in run["failures"][0]["reason"]
        assert "500" in run["failures"][1]["reason"]

        visit.site.pages["/"] = reply(status="404 Not Found")
        await admin.post(f"/documents/sources/{source}/runs")
        await visit.runner().turn()
        assert "404" in (await last_run(admin, source))["error"]
        assert await names(admin) == {"", "a", "b"}
    (shown,) = (await admin.get("/documents/sources")).json()["items"]
    assert (shown["next_run_at"], shown["running"]) == (None, False)


async def test_a_page_that_answers_404_is_deleted_although_another_could_not_be_seen(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    pages: dict[str, bytes | Answer] = {"/": page("Start", "/a", "/b"), "/a": page("A", "/c"), "/b": page("B")}
    pages |= {"/c": page("C")}
    admin = person(role=Role.OWNER)
    async with visiting(pages, knowledge_settings, database) as visit:
        source = await registered(admin, f"{visit.address}/", depth=2)
        await visit.runner().turn()
        visit.site.pages |= {"/a": reply(status="500 Broken"), "/b": reply(status="410 Gone")}
        await admin.post(f"/documents/sources/{source}/runs")
        await visit.runner().turn()
        run = await last_run(admin, source)
        assert await names(admin) == {"", "a", "c"}
        assert (run["deleted"], "how many: 2" in run["failures"][0]["reason"]) == (1, True)


async def test_links_that_are_closed_too_large_or_no_text_do_not_hold_back_deletions(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    pages: dict[str, bytes | Answer] = {
        "/robots.txt": reply(b"User-agent: *\nDisallow: /closed"),
        "/": page("Start", "/old", "/closed", "/members", "/film", "/huge"),
        "/old": page("Old"),
        "/members": reply(status="403 Forbidden"),
        "/film": reply(b"\x7fELF\x00\x00", Content_Type="application/octet-stream"),
        "/huge": reply(bytes(1_000_001), Content_Type="text/plain"),
    }
    admin = person(role=Role.OWNER)
    async with visiting(pages, knowledge_settings, database) as visit:
        source = await registered(admin, f"{visit.address}/", depth=1)
        await visit.runner().turn()
        assert await names(admin) == {"", "old"}
        visit.site.pages["/"] = page("Start", "/closed", "/members", "/film", "/huge")
        await admin.post(f"/documents/sources/{source}/runs")
        await visit.runner().turn()
        assert counts(await last_run(admin, source)) == (0, 1, 0, 1, 4)
        assert await names(admin) == {""}


async def test_a_folder_that_is_closed_since_keeps_its_document(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    pages: dict[str, bytes | Answer] = {
        "/": page("Start", "/members"),
        "/members": reply(status="301 Moved Permanently", Location="/members/"),
        "/members/": page("Members", "/members/boats"),
        "/members/boats": page("Boats"),
    }
    admin = person(role=Role.OWNER)
    async with visiting(pages, knowledge_settings, database) as visit:
        source = await registered(admin, f"{visit.address}/", depth=2)
        await visit.runner().turn()
        before = await external_ids(admin)
        assert len(before) == 3
        visit.site.pages["/members"] = reply(status="403 Forbidden")
        await admin.post(f"/documents/sources/{source}/runs")
        await visit.runner().turn()
        assert await external_ids(admin) == before
        assert (await last_run(admin, source))["deleted"] == 0


async def test_a_page_that_was_gone_and_comes_back_is_taken_in_again(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    pages: dict[str, bytes | Answer] = {"/": page("Start", "/a"), "/a": page("A")}
    admin = person(role=Role.ADMIN)
    async with visiting(pages, knowledge_settings, database) as visit:
        source = await registered(admin, f"{visit.address}/", depth=1)
        for answer, found in ((page("A"), {"", "a"}), (reply(status="404 Not Found"), {""}), (page("A"), {"", "a"})):
            visit.site.pages["/a"] = answer
            await admin.post(f"/documents/sources/{source}/runs")
            await visit.runner().turn()
            assert await names(admin) == found


async def test_a_visit_takes_so_many_pages_and_says_so(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawl, "MAX_PAGES", 3)
    pages: dict[str, bytes | Answer] = {"/": page("Start", *(f"/{number}" for number in range(9)))}
    pages |= {f"/{number}": page(f"Page {number}") for number in range(9)}
    admin = person(role=Role.ADMIN)
    async with visiting(pages, knowledge_settings, database) as visit:
        source = await registered(admin, f"{visit.address}/", depth=1)
        await visit.runner().turn()
    assert counts(await last_run(admin, source)) == (3, 0, 0, 0, 1)


async def test_two_workers_never_run_one_source_at_once_and_a_dead_ones_is_taken_over(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    arrived = asyncio.Event()

    async def never(_head: str, _writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.Event().wait()

    admin = person(role=Role.ADMIN)
    async with visiting({"/": never}, knowledge_settings, database) as visit:
        source = await registered(admin, f"{visit.address}/")
        first = asyncio.create_task(visit.runner().turn())
        await arrived.wait()
        assert not await visit.runner().turn()
        assert (await admin.get("/documents/sources")).json()["items"][0]["running"]
        visit.site.pages["/"] = page("There again")
        async with database.transaction() as session:  # as when the first stops renewing
            await session.execute(text("UPDATE sources SET lease_until = now() - interval '1 second'"))
        assert await visit.runner().turn()
        assert counts(await last_run(admin, source)) == (1, 0, 0, 0, 0)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
    assert len((await admin.get(f"/documents/sources/{source}/runs")).json()["items"]) == 1


async def test_a_worker_that_is_stopped_leaves_the_source_due(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    arrived = asyncio.Event()

    async def never(_head: str, _writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.Event().wait()

    admin = person(role=Role.ADMIN)
    async with visiting({"/": page("Start", "/slow"), "/slow": never}, knowledge_settings, database) as visit:
        source = await registered(admin, f"{visit.address}/", depth=1)
        turn = asyncio.create_task(visit.runner().turn())
        await arrived.wait()
        turn.cancel()
        with suppress(asyncio.CancelledError):
            await turn
        visit.site.pages["/slow"] = page("Quick now")
        assert await visit.runner().turn()
        assert counts(await last_run(admin, source)) == (1, 0, 1, 0, 0)


async def test_a_deleted_source_takes_its_documents_with_it_unless_they_are_kept(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    admin = person(role=Role.ADMIN)
    async with visiting({"/": page("Start")}, knowledge_settings, database) as visit:
        for keeping in (True, False):
            source = await registered(admin, f"{visit.address}/")
            await visit.runner().turn()
            assert (await admin.delete(f"/documents/sources/{source}?keep_documents={keeping}")).status_code == 204
            assert (await admin.get(f"/documents/sources/{source}/runs")).status_code == 404
            await visit.runner().turn()
        assert (await admin.get("/documents/sources")).json()["items"] == []
    assert len((await admin.get("/documents")).json()["items"]) == 1


async def test_sources_are_for_admins_of_their_own_organisation(person: Callable[..., Person]) -> None:
    admin = person(role=Role.ADMIN)
    source = await registered(admin, "https://example.com/docs/")
    member = person(admin.subject.organization_id, Role.MEMBER)
    assert (await member.get("/documents/sources")).status_code == 403
    assert (await member.post("/documents/sources", json={"address": "https://example.com/"})).status_code == 403
    stranger = person(role=Role.OWNER)
    assert (await stranger.get("/documents/sources")).json()["items"] == []
    assert (await stranger.get(f"/documents/sources/{source}/runs")).status_code == 404
    assert (await stranger.post(f"/documents/sources/{source}/runs")).status_code == 404
    assert (await stranger.delete(f"/documents/sources/{source}")).status_code == 404
    for body in (
        {"address": "file:///etc/passwd"},
        {"address": "https://example.com/", "kind": "ftp"},
        {"address": "https://example.com/", "depth": 9},
        {"address": "https://example.com/", "interval_hours": 0},
        {"address": "https://example.com/", "attributes": {"external_id": "x"}},
        {"address": "https://example.com/", "attributes": {"tags": ["a\x00b"]}},
    ):
        assert (await admin.post("/documents/sources", json=body)).status_code == 422, body
