"""An embedding service with two models, knowledge beside it, and no worker but a test's own."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from libs.config.settings import Settings
from libs.security.keys import OPERATOR
from libs.security.tokens import ServiceTokens
from libs.stores.postgres import Database
from libs.stores.weights import WeightsMissingError, WeightsStore
from tests.integration.services.knowledge.conftest import People, Person, client_of, until
from tests.integration.services.knowledge.crashes import dying
from tests.integration.services.knowledge.crashes.whole import CONSTANTS, Installation, remove_files_of_others
from tests.integration.services.knowledge.two_models import MINILM, TwoModels, two_models


@pytest.fixture(scope="package")
async def models(
    settings: Settings, people: People, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TwoModels]:
    try:
        minilm = WeightsStore(settings.models_dir).locate(MINILM)
    except WeightsMissingError as missing:
        pytest.skip(str(missing))
    async with two_models(settings, people, tmp_path_factory.mktemp("switch"), minilm) as running:
        yield running


@pytest.fixture(scope="package")
async def http(models: TwoModels, people: People) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(models.settings, people) as http:
        yield http


def birds(first: int, count: int = 4) -> str:
    """A page of so many passages; each has a number of its own, or a model that knows nothing finds them all alike."""
    return "\n\n".join(f"# Bird {n}\n\nHeron {n} stands at the weir." for n in range(first, first + count))


@dataclass(frozen=True)
class Switching:
    """What a test of the switch looks at and turns."""

    models: TwoModels
    stores: Installation
    http: httpx.AsyncClient
    people: People
    person: Callable[..., Person]

    async def spaces(self, organization_id: UUID) -> dict[str, bool]:
        """The models of an organisation's indexes, and whether each is the one that is searched."""
        query = "SELECT space, serving FROM knowledge.indexes WHERE organization_id = :id"
        rows = await self.stores.rows(query, organization_id)
        return {row["space"].partition("@")[0].rpartition("/")[2]: row["serving"] for row in rows}

    async def counts(self, organization_id: UUID) -> dict[str, int]:
        """How many passages each index holds, by its model."""
        query = "SELECT number, space FROM knowledge.indexes WHERE organization_id = :id"
        return {
            row["space"].partition("@")[0].rpartition("/")[2]: (
                await self.stores.indexed(organization_id, row["number"])
            )[0].total()
            for row in await self.stores.rows(query, organization_id)
        }

    async def operator(self, method: str, path: str) -> Any:
        """What the operator's own key is answered."""
        tokens = ServiceTokens(OPERATOR, self.models.settings.secrets_dir)
        headers = {"X-Service-Token": tokens.sign("knowledge")}
        # The other client signs as the gateway.
        async with httpx.AsyncClient(base_url=self.http.base_url, headers=headers) as http:
            answer = await http.request(method, f"/internal/embedding-switch{path}")
        return answer.raise_for_status().json()

    async def until_searched_by(self, person: Person, model: str) -> None:
        await until(self.spaces, person.subject.organization_id, found=lambda spaces: spaces.get(model, False))


@pytest.fixture
async def switching(
    clean_database: None, models: TwoModels, http: httpx.AsyncClient, people: People, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Switching]:
    """MiniLM counts when a test begins; every organisation is the test's own."""
    remove_files_of_others(models.settings.home)
    for name, value in CONSTANTS.items():
        dying.set_constant(name, value, monkeypatch.setattr)
    await models.configure(MINILM)
    stores = Installation(models.settings, Database(models.settings, "knowledge"), Database(models.settings, "billing"))
    yield Switching(models, stores, http, people, lambda *a, **b: people.person(http, *a, **b))
    await stores.knowledge.close()
    await stores.billing.close()
