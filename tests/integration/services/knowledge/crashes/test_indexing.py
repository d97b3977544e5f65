"""kill -9 of the worker at each step of indexing: readers see the old or the new content, and the end is complete."""

from collections.abc import Callable

import pytest

from tests.integration.services.knowledge.conftest import Person
from tests.integration.services.knowledge.crashes.conftest import Crashes
from tests.integration.services.knowledge.crashes.dying import Death
from tests.integration.services.knowledge.crashes.readers import SECTIONS, found_by, page, passages_of, watched
from tests.integration.services.knowledge.crashes.steps import (
    FIRST_PASSAGES,
    INDEX,
    INDEXING,
    REPLACED,
    TABLE,
    parametrize,
)

MakePerson = Callable[..., Person]

pytestmark = pytest.mark.chaos

SMOKE_FIRST = [Death(f"{TABLE}.create_index", "before")]
SMOKE_REPLACED = [Death(f"{INDEX}.add", "after")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "first_content", FIRST_PASSAGES + INDEXING, SMOKE_FIRST)
    parametrize(metafunc, "replacement", INDEXING + REPLACED, SMOKE_REPLACED)


async def test_a_first_content_is_complete_or_absent(
    crashes: Crashes, person: MakePerson, first_content: Death
) -> None:
    alice = person()
    worker = await crashes.start("knowledge-worker", first_content)
    document_id = await alice.send(page("heron"))
    await worker.died()
    seen = await found_by(alice, "weir")
    status = (await alice.show(document_id))["status"]
    assert seen == [sorted(await passages_of(alice, document_id)) if status == "completed" else []] * 3
    async with crashes.another_worker():
        document = await alice.finished(document_id)
        assert document["status"] == "completed", document
        await crashes.stores.at_rest(alice.subject.organization_id)
        passages = await passages_of(alice, document_id)
        assert len(passages) == document["chunk_count"]
        assert len(passages) == len(SECTIONS)
        assert await found_by(alice, "weir") == [sorted(passages)] * 3


async def test_readers_see_the_old_or_the_new_content(crashes: Crashes, person: MakePerson, replacement: Death) -> None:
    alice, bob = person(), person()
    async with crashes.another_worker():
        document_id = await alice.add(page("heron"), external_id="bird")
        kept_id = await bob.add("# Otter\n\nThe otter of the weir.")
        await crashes.stores.at_rest(alice.subject.organization_id)
    old = await passages_of(alice, document_id)
    worker = await crashes.start("knowledge-worker", replacement)
    async with watched(alice) as seen:
        assert await alice.send(page("egret"), external_id="bird") == document_id
        await worker.died()
        async with crashes.another_worker():
            assert (await alice.finished(document_id))["status"] == "completed"
            await crashes.stores.at_rest(alice.subject.organization_id)
            new = await passages_of(alice, document_id)
            assert await found_by(alice, "weir") == [sorted(new)] * 3
    assert "egret" in "".join(new)
    others = [contents for contents in seen if contents not in (sorted(old), sorted(new))]
    assert not others, others
    assert await found_by(bob, "weir") == [await passages_of(bob, kept_id)] * 3
