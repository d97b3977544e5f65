"""kill -9 of the worker at each step of re-embedding: searches see every passage all along, and the end is complete."""

from collections.abc import Callable

import httpx
import pytest

from libs.config.settings import Settings
from tests.integration.services.knowledge.conftest import People, Person, until
from tests.integration.services.knowledge.crashes.conftest import (
    Crashes,
    crashes,  # noqa: F401 - a fixture
)
from tests.integration.services.knowledge.crashes.dying import Death
from tests.integration.services.knowledge.crashes.readers import passages_of, watched
from tests.integration.services.knowledge.crashes.steps import INDEX, TABLE, around, parametrize
from tests.integration.services.knowledge.embedding_switch.conftest import Switching, birds
from tests.integration.services.knowledge.two_models import MINILM, MINILM_ID, TINY, TwoModels

pytestmark = pytest.mark.chaos

ROOM = "services.knowledge.embedding_switch"
SWITCHER, COPIER = f"{ROOM}.switcher:IndexSwitcher", f"{ROOM}.copying:PassageCopier"
BUILDING = [
    *around(f"{ROOM}.indexes:begin"),
    *around(f"{SWITCHER}._claim"),
    *around(f"{COPIER}.survey"),
    *around("libs.clients.embedding:EmbeddingClient.embed_passages"),
    Death(f"{TABLE}.create_index", "before"),
    Death(f"{TABLE}.create_index", "after", 2),
    *around(f"{INDEX}.add_absent"),
    *around(f"{TABLE}.add", nth=2),
    *around(f"{COPIER}._follow", nth=2),
    *around(f"{SWITCHER}._report", nth=3),
    *around(f"{ROOM}.indexes:switch"),
    Death(f"{SWITCHER}._switch", "after"),
]
DROPPING = [*around(f"{ROOM}.former:FormerIndexes._drop"), *around("shutil:rmtree"), Death(f"{INDEX}.drop", "before")]
SMOKE = [Death(f"{INDEX}.add_absent", "after")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "building", BUILDING, SMOKE)
    parametrize(metafunc, "dropping", DROPPING)


@pytest.fixture(scope="module")
def knowledge_settings(models: TwoModels) -> Settings:
    return models.settings


@pytest.fixture
def person(http: httpx.AsyncClient, people: People) -> Callable[..., Person]:
    return lambda *arguments, **named: people.person(http, *arguments, **named)


async def test_re_embedding_goes_on_where_it_was_killed(
    switching: Switching,
    crashes: Crashes,  # noqa: F811 - the fixture
    building: Death,
) -> None:
    alice = switching.person()
    async with crashes.another_worker():
        document_id = await alice.add(birds(10, 8))
        await crashes.stores.at_rest(alice.subject.organization_id)
    passages = sorted(await passages_of(alice, document_id))
    worker = await crashes.start("knowledge-worker", building)
    async with watched(alice) as seen:
        await switching.models.configure(TINY, MINILM)
        await worker.died()
        async with crashes.another_worker():
            await switching.until_searched_by(alice, TINY)
            await crashes.stores.at_rest(alice.subject.organization_id)
    assert [contents for contents in seen if contents != passages] == []
    assert sorted(await passages_of(alice, document_id)) == passages
    assert await switching.counts(alice.subject.organization_id) == {MINILM_ID: 8, TINY: 8}


async def test_a_former_index_that_was_half_deleted_is_deleted_whole(
    switching: Switching,
    crashes: Crashes,  # noqa: F811 - the fixture
    dropping: Death,
) -> None:
    alice = switching.person()
    organization_id = alice.subject.organization_id

    async def stored() -> set[str]:
        return switching.stores.stored(organization_id)

    async with crashes.another_worker():
        await alice.add(birds(10))
        await switching.models.configure(TINY, MINILM)
        await switching.until_searched_by(alice, TINY)
        await crashes.stores.at_rest(organization_id)
    worker = await crashes.start("knowledge-worker", dropping)
    await switching.operator("DELETE", "/former")
    await worker.died()
    async with crashes.another_worker():
        assert await until(stored, found=lambda names: len(names) == 1) == {f"org_{organization_id.hex}_1"}
        await crashes.stores.at_rest(organization_id)
    assert len(await alice.contents("heron")) == 4
