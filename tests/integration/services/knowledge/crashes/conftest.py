"""A process that is killed, the stores it leaves, and the worker that comes after it."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace

import httpx
import pytest

from libs.config.settings import ProcessName, Settings
from libs.stores.postgres import Database
from tests.integration.services.knowledge.conftest import People, Person, until, working
from tests.integration.services.knowledge.crashes import dying
from tests.integration.services.knowledge.crashes.dying import Death, Dying
from tests.integration.services.knowledge.crashes.whole import (
    CONSTANTS,
    SHORT_LEASE_S,
    Installation,
    remove_files_of_others,
)
from tests.loopback import serving

# Of this run alone: a port that is free now may be another's when a process has started.
BASE_PORT = 24_000 + os.getpid() % 800 * 10


@dataclass
class Crashes:
    """`environment` is what a process is started with besides this one's."""

    settings: Settings
    stores: Installation
    stack: AsyncExitStack
    environment: dict[str, str]
    people: People

    async def start(self, process: ProcessName, death: Death) -> Dying:
        """A real process that will die so; it ends with the test at the latest."""
        started = await dying.start(process, replace(death, constants=CONSTANTS), self.environment)
        self.stack.push_async_callback(started.end)
        return started

    def another_worker(self) -> AbstractAsyncContextManager[None]:
        return working(self.settings)

    def may_fetch(self, address: str, port: int) -> None:
        """That address on this machine, as if it were on the web."""
        allowed = {"allowed_networks": [f"{address}/32"], "ports": [port]}
        self.settings = self.settings.model_copy(
            update={"fetching": self.settings.fetching.model_validate(self.settings.fetching.model_dump() | allowed)}
        )
        self.environment |= {f"FOOTNOTE_FETCHING__{name.upper()}": json.dumps(value) for name, value in allowed.items()}

    async def start_api(self, death: Death, person: Person) -> tuple[Dying, Person]:
        """The API as a process that will die so, and the person talking to it."""
        self.environment["FOOTNOTE_SERVICE_URLS__AUTH"] = await self.stack.enter_async_context(
            serving(self.people.as_auth())
        )
        process = await self.start("knowledge", death)
        # A service token lives for a minute, of which the start may have taken the rest.
        address = f"http://127.0.0.1:{self.settings.port('knowledge')}"
        http = httpx.AsyncClient(base_url=address, timeout=60, event_hooks={"request": [self.people.renew]})
        await self.stack.enter_async_context(http)
        await until(_ready, http, found=bool)
        return process, replace(person, http=http)


@pytest.fixture
async def crashes(
    clean_database: None, knowledge_settings: Settings, people: People, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Crashes]:
    remove_files_of_others(knowledge_settings.home)
    for name, value in CONSTANTS.items():
        dying.set_constant(name, value, monkeypatch.setattr)
    ingestion = knowledge_settings.ingestion.model_copy(update={"lease_s": SHORT_LEASE_S})
    settings = knowledge_settings.model_copy(update={"ingestion": ingestion, "base_port": BASE_PORT})
    environment = {f"FOOTNOTE_SERVICE_URLS__{name.upper()}": url for name, url in settings.service_urls.items()}
    environment |= {"FOOTNOTE_INGESTION__LEASE_S": str(SHORT_LEASE_S), "FOOTNOTE_BASE_PORT": str(BASE_PORT)}
    stores = Installation(settings, Database(settings, "knowledge"), Database(settings, "billing"))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(stores.knowledge.close)
        stack.push_async_callback(stores.billing.close)
        yield Crashes(settings, stores, stack, environment, people)


async def _ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/health/ready")).is_success
    except httpx.TransportError:
        return False
