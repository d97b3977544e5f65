"""Another embedding model by configuration: a new index in the background, a switch when it is complete, and back."""

import asyncio
from uuid import UUID

import pytest

from libs.contracts.identity import Role
from services.knowledge.embedding_switch import switcher
from tests.integration.services.knowledge.conftest import Person, until, working
from tests.integration.services.knowledge.crashes.readers import found_by, passages_of, watched
from tests.integration.services.knowledge.embedding_switch.conftest import Switching
from tests.integration.services.knowledge.two_models import MINILM, MINILM_ID, TINY


def birds(first: int, count: int = 4) -> str:
    """A page of so many passages; each has a number of its own, or a model that knows nothing finds them all alike."""
    return "\n\n".join(f"# Bird {n}\n\nHeron {n} stands at the weir." for n in range(first, first + count))


async def ids_found(person: Person, query: str = "weir") -> set[str]:
    return {one["chunk_id"] for one in await person.search(query, top_k=50)}


async def test_searches_go_on_and_every_passage_survives_with_its_id(switching: Switching) -> None:
    alice = switching.person()
    organization_id = alice.subject.organization_id
    async with working(switching.models.settings):
        documents = [await alice.add(birds(first)) for first in (10, 20)]
        before = sorted([text for one in documents for text in await passages_of(alice, one)])
        ids = await ids_found(alice)
        assert await switching.spaces(organization_id) == {MINILM_ID: True}
        async with watched(alice) as seen:
            await switching.models.configure(TINY, MINILM)
            await switching.until_searched_by(alice, TINY)
        assert all(contents == before for contents in seen)
        assert await found_by(alice, "weir") == [before] * 3
        assert await ids_found(alice) == ids
        found = (await alice.post("/search", json={"query": "weir"})).json()
        assert (found["degraded"], found["strategy_used"]) == ([], "hybrid")
        await alice.add(birds(30))
        await switching.models.configure(MINILM, TINY)
        await switching.until_searched_by(alice, MINILM_ID)
        assert len(await ids_found(alice)) == 12
        await switching.stores.at_rest(organization_id)
        assert await switching.spaces(organization_id) == {MINILM_ID: True, TINY: False}
