"""A process that is killed, the stores it leaves, and the worker that comes after it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace

import pytest

from libs.config.settings import ProcessName, Settings
from libs.stores.postgres import Database
from scripts.stage import free_base_port
from tests.integration.services.knowledge.conftest import working
from tests.integration.services.knowledge.crashes import dying
from tests.integration.services.knowledge.crashes.dying import Death, Dying
from tests.integration.services.knowledge.crashes.whole import CONSTANTS, SHORT_LEASE_S, Installation


@dataclass
class Crashes:
    """`environment` is what a process is started with besides this one's."""

    settings: Settings
    stores: Installation
    stack: AsyncExitStack
    environment: dict[str, str]

    async def start(self, process: ProcessName, death: Death) -> Dying:
        """A real process that will die so; it ends with the test at the latest."""
        started = await dying.start(process, replace(death, constants=CONSTANTS), self.environment)
        self.stack.push_async_callback(started.end)
        return started

    def another_worker(self) -> AbstractAsyncContextManager[None]:
        return working(self.settings)


@pytest.fixture
async def crashes(
    clean_database: None, knowledge_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Crashes]:
    for name, value in CONSTANTS.items():
        dying.set_constant(name, value, monkeypatch.setattr)
    ingestion = knowledge_settings.ingestion.model_copy(update={"lease_s": SHORT_LEASE_S})
    base_port = free_base_port()
    settings = knowledge_settings.model_copy(update={"ingestion": ingestion, "base_port": base_port})
    environment = {f"FOOTNOTE_SERVICE_URLS__{name.upper()}": url for name, url in settings.service_urls.items()}
    environment |= {"FOOTNOTE_INGESTION__LEASE_S": str(SHORT_LEASE_S), "FOOTNOTE_BASE_PORT": str(base_port)}
    stores = Installation(settings, Database(settings, "knowledge"), Database(settings, "billing"))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(stores.knowledge.close)
        stack.push_async_callback(stores.billing.close)
        yield Crashes(settings, stores, stack, environment)
