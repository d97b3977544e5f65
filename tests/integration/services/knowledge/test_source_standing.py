"""What people set for, or delete of, the documents of a website stays so at its next visit."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import select

from libs.config.settings import Settings
from libs.contracts.identity import Role
from libs.stores.postgres import Database
from services.knowledge.models import RevisionRow
from tests.integration.libs.fetch.test_fetcher import Answer
from tests.integration.services.knowledge.conftest import Person
from tests.integration.services.knowledge.visited_sites import (
    counts,
    document_ids,
    last_run,
    names,
    page,
    registered,
    visiting,
)

pytestmark = pytest.mark.usefixtures("no_other_sources")


async def test_a_page_that_changes_keeps_what_was_said_of_its_document(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    admin = person(role=Role.ADMIN)
    async with visiting({"/": page("Start")}, knowledge_settings, database) as visit:
        attributes = {"access": "organization", "category": "trips"}
        source = await registered(admin, f"{visit.address}/", attributes=attributes)
        await visit.runner().turn()
        (document,) = (await admin.get("/documents")).json()["items"]
        path = f"/documents/{document['document_id']}"
        await admin.patch(path, json={"access": "private", "category": "plans"})
        visit.site.pages["/"] = page("Another start")
        await admin.post(f"/documents/sources/{source}/runs")
        await visit.runner().turn()
        assert counts(await last_run(admin, source)) == (0, 1, 0, 0, 0)
    waiting = select(RevisionRow.access, RevisionRow.category).where(RevisionRow.document_id == document["document_id"])
    async with database.transaction() as session:
        newest = (await session.execute(waiting.order_by(RevisionRow.number.desc()))).first()
    assert newest == ("private", "plans")


async def test_a_deleted_document_stays_so_until_it_is_restored(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    pages: dict[str, bytes | Answer] = {"/": page("Start", "/a", "/b"), "/a": page("A"), "/b": page("B")}
    admin = person(role=Role.ADMIN)
    async with visiting(pages, knowledge_settings, database) as visit:
        source = await registered(admin, f"{visit.address}/", depth=1)
        await visit.runner().turn()
        ids = await document_ids(admin)
        await admin.delete(f"/documents/{ids['a']}")
        await admin.delete(f"/documents/{ids['b']}?purge=true")
        visit.site.pages["/a"] = page("Another A")
        await admin.post(f"/documents/sources/{source}/runs")
        await visit.runner().turn()
        assert counts(await last_run(admin, source)) == (0, 0, 1, 0, 0)
        assert await names(admin) == {""}

        assert (await admin.post(f"/documents/{ids['a']}/restore")).status_code == 200
        await admin.post(f"/documents/sources/{source}/runs")
        await visit.runner().turn()
        assert counts(await last_run(admin, source)) == (0, 1, 1, 0, 0)
        assert await names(admin) == {"", "a"}


async def test_a_document_that_is_deleted_while_its_site_is_visited_stays_so(
    person: Callable[..., Person], knowledge_settings: Settings, database: Database
) -> None:
    pages: dict[str, bytes | Answer] = {"/": page("Start", "/a", "/b"), "/a": page("A"), "/b": page("B")}
    admin = person(role=Role.ADMIN)
    async with visiting(pages, knowledge_settings, database) as visit:
        source = await registered(admin, f"{visit.address}/", depth=1)
        await visit.runner().turn()
        ids = await document_ids(admin)

        async def deleted_meanwhile(_head: str, writer: asyncio.StreamWriter) -> None:
            await admin.delete(f"/documents/{ids['a']}")
            await admin.delete(f"/documents/{ids['b']}?purge=true")
            writer.write(page("Another A"))
            await writer.drain()

        visit.site.pages |= {"/a": deleted_meanwhile, "/b": page("Another B")}
        await admin.post(f"/documents/sources/{source}/runs")
        await visit.runner().turn()
        assert counts(await last_run(admin, source)) == (0, 0, 1, 0, 0)
        assert await names(admin) == {""}
