"""kill -9 of the worker while it packs an export or fetches a source: the next one ends what it began, once."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from libs.contracts.identity import Role
from tests.integration.libs.fetch.test_fetcher import PUBLIC, Site, serving
from tests.integration.services.knowledge.conftest import Person, until
from tests.integration.services.knowledge.crashes.conftest import Crashes
from tests.integration.services.knowledge.crashes.dying import Death
from tests.integration.services.knowledge.crashes.readers import found_by, page
from tests.integration.services.knowledge.crashes.steps import FETCHING, PACKING, parametrize
from tests.integration.services.knowledge.visited_sites import page as web_page

MakePerson = Callable[..., Person]

pytestmark = pytest.mark.chaos


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "packing", PACKING)
    parametrize(metafunc, "fetching", FETCHING)


async def test_an_export_is_packed_whole(crashes: Crashes, person: MakePerson, packing: Death) -> None:
    alice = person()
    async with crashes.another_worker():
        document_id = await alice.add(page("heron"))
        await crashes.stores.at_rest(alice.subject.organization_id)
    worker = await crashes.start("knowledge-worker", packing)
    export_id = (await alice.post("/documents/export")).json()["export_id"]
    await worker.died()

    async def export() -> dict[str, Any]:
        return (await alice.get(f"/documents/exports/{export_id}")).raise_for_status().json()

    async with crashes.another_worker():
        ready = await until(export, found=lambda one: one["status"] not in {"pending", "running"})
        assert ready["status"] == "ready"
        await crashes.stores.at_rest(alice.subject.organization_id)
    packed = await alice.get(ready["download_url"])
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.testzip() is None
        (entry,) = json.loads(archive.read("manifest.json"))["documents"]
        assert entry["document_id"] == document_id
        assert archive.read(entry["path"]).decode() == page("heron")


async def test_a_source_is_fetched_once(crashes: Crashes, person: MakePerson, fetching: Death) -> None:
    admin = person(role=Role.ADMIN)
    pages = {"/": web_page("Herons stand at the weir", "/a"), "/a": web_page("Otters swim below the weir at night")}
    async with serving(Site(pages)) as site:
        crashes.may_fetch(PUBLIC, site.port)
        made = await admin.post("/documents/sources", json={"address": f"http://{PUBLIC}:{site.port}/", "depth": 1})
        source_id = made.json()["source_id"]
        worker = await crashes.start("knowledge-worker", fetching)
        await worker.died()
        async with crashes.stores.knowledge.transaction() as session:
            await session.execute(text("UPDATE knowledge.sources SET lease_until = now() WHERE lease IS NOT NULL"))

        async def runs() -> list[dict[str, Any]]:
            return (await admin.get(f"/documents/sources/{source_id}/runs")).json()["items"]

        async with crashes.another_worker():
            (run,) = await until(runs, found=bool)
            assert run["error"] is None
            assert run["added"] + run["unchanged"] == 2
            await crashes.stores.at_rest(admin.subject.organization_id)
            assert len((await admin.get("/documents")).json()["items"]) == 2
            assert [len(found) for found in await found_by(admin, "weir")] == [2, 2, 2]
