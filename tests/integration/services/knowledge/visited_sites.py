"""A website, and what visits it for knowledge."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from libs.config.settings import Settings
from libs.fetch.addresses import networks
from libs.fetch.fetcher import Fetcher
from libs.stores.postgres import Database
from services.knowledge.catching_up import IndexCatchUp
from services.knowledge.documents import Documents, Shower
from services.knowledge.main import blob_store, passage_index, uploads
from services.knowledge.sources.runner import SourceRunner
from services.knowledge.sources.site_sync import SiteSync
from services.knowledge.sources.source_documents import SourceDocuments
from tests.integration.libs.fetch.test_fetcher import PUBLIC, Answer, Site, reply
from tests.integration.libs.fetch.test_fetcher import serving as serving_site
from tests.integration.services.knowledge.conftest import Person


class NoBilling:
    """Stands for a plan with room; nothing here is about counting."""

    async def change_storage(self, *_changes: object) -> None:
        pass


def page(body: str, *links: str) -> bytes:
    anchors = "".join(f'<p><a class="x" href="{link}">more</a></p>' for link in links)
    return reply(f"<html><body><main><p>{body}</p>{anchors}</main></body></html>".encode(), Content_Type="text/html")


@dataclass
class Visit:
    site: Site
    address: str
    runner: Callable[[], SourceRunner]


@asynccontextmanager
async def visiting(pages: dict[str, bytes | Answer], settings: Settings, database: Database) -> AsyncIterator[Visit]:
    async with serving_site(Site(pages)) as site:

        def runner(lease_s: float = 60.0) -> SourceRunner:
            allowed = networks([f"{PUBLIC}/32"])
            fetcher = Fetcher(timeout_s=10, ports=[site.port], allowed_networks=allowed)
            accepting = uploads(settings, database, blob_store(settings, database), NoBilling())  # pyright: ignore - counts nothing
            catch_up = IndexCatchUp(database, passage_index(settings, database))
            documents = Documents(database, catch_up, Shower(timedelta(days=30)))
            kept = SourceDocuments(database, documents, accepting)
            return SourceRunner(database, kept, {"web": SiteSync(fetcher, kept, 1_000_000, pause_s=0)}, lease_s=lease_s)

        yield Visit(site, f"http://{PUBLIC}:{site.port}", runner)


async def external_ids(person: Person) -> set[str]:
    return {item["external_id"] for item in await _taken_in(person)}


async def document_ids(person: Person) -> dict[str, str]:
    """By the last part of each page's address."""
    return {item["external_id"].rpartition("/")[2]: item["document_id"] for item in await _taken_in(person)}


async def _taken_in(person: Person) -> list[dict[str, Any]]:
    return (await person.get("/documents/inventory", params={"prefix": "source:"})).json()["items"]


async def registered(person: Person, address: str, **fields: Any) -> str:
    answer = await person.post("/documents/sources", json={"address": address, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["source_id"]


async def last_run(person: Person, source_id: str) -> dict[str, Any]:
    return (await person.get(f"/documents/sources/{source_id}/runs")).raise_for_status().json()["items"][0]


def counts(run: dict[str, Any]) -> tuple[int, ...]:
    return tuple(run[name] for name in ("added", "updated", "unchanged", "deleted", "failed"))


async def names(person: Person) -> set[str]:
    return {external_id.split(":", 2)[2].rpartition("/")[2] for external_id in await external_ids(person)}
