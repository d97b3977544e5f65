"""kill -9 of the worker while documents are closed, deleted, purged: nobody sees them again, and nothing is left."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from libs.stores.redis import connect_redis
from services.knowledge.catching_up import IndexCatchUp
from tests.integration.services.knowledge.conftest import Person, until
from tests.integration.services.knowledge.crashes.conftest import Crashes
from tests.integration.services.knowledge.crashes.dying import Death
from tests.integration.services.knowledge.crashes.readers import found_by, page, passages_of
from tests.integration.services.knowledge.crashes.steps import EMPTYING, FOLLOWING, INDEX, PURGING, parametrize
from tests.integration.services.knowledge.traces import holding, kept_in_redis, rows_holding

MakePerson = Callable[..., Person]

pytestmark = pytest.mark.chaos

SMOKE = [Death(f"{INDEX}.forget", "after")]
NOTHING: list[list[str]] = [[], [], []]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "following", FOLLOWING)
    parametrize(metafunc, "purging", PURGING, SMOKE)
    parametrize(metafunc, "emptying", EMPTYING)


async def _never(*_arguments: object) -> None:
    """The API's process has died before its index rows followed."""


async def test_a_closed_document_stays_closed(
    crashes: Crashes, person: MakePerson, following: Death, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IndexCatchUp, "now", _never)
    alice = person()
    colleague = person(alice.subject.organization_id)
    async with crashes.another_worker():
        document_id = await alice.add(page("heron"))
        await crashes.stores.at_rest(alice.subject.organization_id)
    everything = [sorted(await passages_of(alice, document_id))] * 3
    assert await found_by(colleague, "weir") == everything
    worker = await crashes.start("knowledge-worker", following)
    assert (await alice.patch(f"/documents/{document_id}", json={"access": "private"})).status_code == 200
    await worker.died()
    assert (await found_by(colleague, "weir"), await found_by(alice, "weir")) == (NOTHING, everything)
    async with crashes.another_worker():
        await crashes.stores.at_rest(alice.subject.organization_id)
        assert (await found_by(colleague, "weir"), await found_by(alice, "weir")) == (NOTHING, everything)
        await alice.patch(f"/documents/{document_id}", json={"access": "organization"})
        await crashes.stores.at_rest(alice.subject.organization_id)
    assert await found_by(colleague, "weir") == everything


async def test_a_deleted_document_stays_away_and_comes_back_whole(
    crashes: Crashes, person: MakePerson, following: Death, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IndexCatchUp, "now", _never)
    alice = person()
    async with crashes.another_worker():
        document_id = await alice.add(page("heron"))
        await crashes.stores.at_rest(alice.subject.organization_id)
    everything = [sorted(await passages_of(alice, document_id))] * 3
    worker = await crashes.start("knowledge-worker", following)
    assert (await alice.delete(f"/documents/{document_id}")).status_code == 204
    await worker.died()
    assert await found_by(alice, "weir") == NOTHING
    async with crashes.another_worker():
        await crashes.stores.at_rest(alice.subject.organization_id)
        assert await found_by(alice, "weir") == NOTHING
        assert (await alice.post(f"/documents/{document_id}/restore")).status_code == 200
        await crashes.stores.at_rest(alice.subject.organization_id)
    assert await found_by(alice, "weir") == everything


async def test_a_purged_document_leaves_no_byte(crashes: Crashes, person: MakePerson, purging: Death) -> None:
    alice, marker = person(), f"quetzal{uuid4().hex}"
    async with crashes.another_worker():
        document_id = await alice.add(page(marker), marker)
        kept_id = await alice.add("# Otter\n\nThe otter of the weir.")
        await crashes.stores.at_rest(alice.subject.organization_id)
    assert await alice.contents(marker)
    worker = await crashes.start("knowledge-worker", purging)
    assert (await alice.delete(f"/documents/{document_id}?purge=true")).status_code == 204
    await worker.died()
    otter = [await passages_of(alice, kept_id)] * 3
    assert await found_by(alice, "weir") == otter
    async with crashes.another_worker():
        # Before the row goes, files of older states go, from under whoever looks at the index for too long.
        await until(documents_of, crashes, alice, found=lambda left: left == [UUID(kept_id)])
        await crashes.stores.at_rest(alice.subject.organization_id)
    assert await left_of(crashes, marker) == []
    assert await found_by(alice, "weir") == otter


async def test_a_bin_is_emptied_to_the_last_byte(crashes: Crashes, person: MakePerson, emptying: Death) -> None:
    alice, marker = person(), f"quetzal{uuid4().hex}"
    async with crashes.another_worker():
        document_id = await alice.add(page(marker), marker)
        await crashes.stores.at_rest(alice.subject.organization_id)
    await alice.delete(f"/documents/{document_id}")
    async with crashes.stores.knowledge.transaction() as session:
        past = "UPDATE knowledge.documents SET deleted_at = now() - interval '31 days' WHERE id = :id"
        await session.execute(text(past), {"id": UUID(document_id)})
    worker = await crashes.start("knowledge-worker", emptying)
    await worker.died()
    assert await found_by(alice, "weir") == NOTHING
    async with crashes.another_worker():
        await until(documents_of, crashes, alice, found=lambda left: not left)
        await crashes.stores.at_rest(alice.subject.organization_id)
    assert await left_of(crashes, marker) == []
    assert (await alice.post(f"/documents/{document_id}/restore")).status_code == 404


async def documents_of(crashes: Crashes, person: Person) -> list[UUID]:
    """All that have a row, purged ones too."""
    query = "SELECT id FROM knowledge.documents WHERE organization_id = :id"
    return [row["id"] for row in await crashes.stores.rows(query, person.subject.organization_id)]


async def left_of(crashes: Crashes, marker: str) -> list[str]:
    redis: Redis = connect_redis(crashes.settings)
    cached = await kept_in_redis(redis, marker.encode())
    await redis.aclose()
    rows = await rows_holding(crashes.stores.knowledge, marker)
    return holding(crashes.settings.home, marker.encode()) + rows + cached
