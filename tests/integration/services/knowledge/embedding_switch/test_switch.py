"""Another embedding model by configuration: a new index in the background, a switch when it is complete, and back."""

import sys
from random import Random
from uuid import uuid4

import pytest
from sqlalchemy import text

from libs.contracts.identity import Role
from services.knowledge.embedding_switch import switcher
from tests.integration.services.knowledge.conftest import Person, until, working
from tests.integration.services.knowledge.crashes.readers import found_by, passages_of, watched
from tests.integration.services.knowledge.embedding_switch.conftest import Switching, birds
from tests.integration.services.knowledge.test_truth import FIRST, Lives
from tests.integration.services.knowledge.traces import holding
from tests.integration.services.knowledge.two_models import FAR, MINILM, MINILM_ID, REFUSED, TINY

# Two models in one process take their time; the same rules are held step by step beside this file.
slow = pytest.mark.skipif("--full" not in sys.argv, reason="two real models; run with --full")


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


@slow
async def test_random_lives_stay_true_while_indexes_switch_and_switch_back(
    switching: Switching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uploads, replacements, access, bin and purge of several people, each checked exactly, in the midst of it."""
    monkeypatch.setattr(switcher, "TURN_PASSAGES", 1)
    random = Random(5)
    groups = frozenset({FIRST})
    ann = switching.person(groups=groups)
    organization_id = ann.subject.organization_id
    lives = Lives(
        {
            "ann": ann,
            "ben": switching.person(organization_id, groups=groups),
            "cleo": switching.person(organization_id),
            "dora": switching.person(organization_id, role=Role.ADMIN, groups=groups),
        },
        {"guest": switching.people.guest(switching.http, organization_id)},
        stranger=switching.person(role=Role.OWNER, groups=groups),
    )
    async with working(switching.models.settings):
        await lives.begin()
        for number in range(4):
            await lives.upload("ann", f"bird {number}", {})
        for model, other, name in ((TINY, MINILM, TINY), (MINILM, TINY, MINILM_ID)):
            await switching.models.configure(model, other)
            steps = 0
            while not (await switching.spaces(organization_id)).get(name) or steps < 4:
                await one_step(lives, random)
                await lives.check()
                steps += 1
        await switching.stores.at_rest(organization_id)


async def one_step(lives: Lives, random: Random) -> None:
    who, number = random.choice(["ann", "ben", "dora"]), random.randrange(8)
    match random.choice(["upload", "replace", "open", "move", "delete", "restore", "purge"]):
        case "upload":
            await lives.upload(who, None, {"access": random.choice(["private", "public", frozenset({FIRST})])})
        case "replace":
            await lives.upload("ann", f"bird {number % 4}", {})
        case "open":
            await lives.open(who, number, random.choice(["private", "organization", "public"]))
        case "move":
            await lives.move("ann", number, random.choice([None, 0, 1]))
        case step:
            await getattr(lives, step)(who, number)


async def test_without_the_old_model_searches_go_by_words_until_the_switch(switching: Switching) -> None:
    alice, bob = switching.person(), switching.person()
    async with working(switching.models.settings):
        await alice.add(birds(10))
        await switching.stores.at_rest(alice.subject.organization_id)
    await switching.models.configure(TINY)
    found = (await alice.post("/search", json={"query": "heron", "strategy": "vector"})).json()
    assert (len(found["results"]), found["strategy_used"], found["degraded"]) == (4, "lexical", ["embedding_model"])
    waiting, other = await alice.send(birds(20)), await bob.send(birds(30))
    async with working(switching.models.settings):
        for person, document_id in ((alice, waiting), (bob, other)):
            assert (await person.finished(document_id))["status"] == "completed"
        assert await switching.spaces(alice.subject.organization_id) == {MINILM_ID: False, TINY: True}
        found = (await alice.post("/search", json={"query": "heron", "strategy": "vector", "top_k": 20})).json()
        assert (len(found["results"]), found["strategy_used"], found["degraded"]) == (8, "vector", [])
        assert await switching.spaces(bob.subject.organization_id) == {TINY: True}


@slow
async def test_a_model_that_cannot_be_loaded_changes_nothing(switching: Switching) -> None:
    alice = switching.person()
    async with working(switching.models.settings):
        await alice.add(birds(10))
        await switching.models.configure("nowhere", MINILM, loaded=[MINILM])
        await alice.add(birds(20))
        found = (await alice.post("/search", json={"query": "heron", "strategy": "vector", "top_k": 20})).json()
    assert (len(found["results"]), found["degraded"]) == (8, [])
    assert await switching.spaces(alice.subject.organization_id) == {MINILM_ID: True}


@slow
async def test_an_index_from_before_is_known_by_its_rows(switching: Switching) -> None:
    alice = switching.person()
    async with working(switching.models.settings):
        await alice.add(birds(10))
        await switching.stores.at_rest(alice.subject.organization_id)
    async with switching.stores.knowledge.transaction() as session:
        await session.execute(text("DELETE FROM knowledge.indexes"))
        await session.execute(text("UPDATE knowledge.organizations SET next_index = 0"))
    await switching.models.configure(TINY, MINILM)
    found = (await alice.post("/search", json={"query": "heron", "strategy": "vector"})).json()
    assert (len(found["results"]), found["degraded"]) == (4, [])
    async with working(switching.models.settings):
        await switching.until_searched_by(alice, TINY)
        assert await switching.spaces(alice.subject.organization_id) == {MINILM_ID: False, TINY: True}
        assert len(await ids_found(alice, "heron")) == 4


@slow
async def test_one_organisation_is_switched_and_another_not_yet(
    switching: Switching, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = switching.person(), switching.person()
    async with working(switching.models.settings):
        await small.add(birds(10, 2))
        await large.add(birds(100, 30))
        monkeypatch.setattr(switcher, "TURN_PASSAGES", 2)
        await switching.models.configure(TINY, MINILM)
        await switching.until_searched_by(small, TINY)
        spaces = await switching.spaces(large.subject.organization_id)
        found = [(await one.post("/search", json={"query": "heron 10", "top_k": 50})).json() for one in (small, large)]
    assert spaces == {MINILM_ID: True, TINY: False}
    assert [(len(one["results"]), one["strategy_used"], one["degraded"]) for one in found] == [
        (2, "hybrid", []),
        (30, "hybrid", []),
    ]
    titles = {result["content"] for one in found for result in one["results"]}
    assert len(titles) == 32


@slow
async def test_a_purge_during_re_embedding_leaves_no_byte_in_either_index(
    switching: Switching, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, marker = switching.person(), f"quetzal{uuid4().hex}"
    monkeypatch.setattr(switcher, "TURN_PASSAGES", 1)
    async with working(switching.models.settings):
        kept = await alice.add(birds(10))
        document_id = await alice.add(birds(100, 12).replace("Heron", marker), marker)
        await switching.models.configure(TINY, MINILM)
        organization_id = alice.subject.organization_id
        await until(switching.stores.indexed, organization_id, 1, found=lambda seen: seen[0].total() > 5)
        assert (await alice.delete(f"/documents/{document_id}?purge=true")).status_code == 204
        await switching.until_searched_by(alice, TINY)
        await switching.stores.at_rest(organization_id)
    assert holding(switching.models.settings.home, marker.encode()) == []
    assert await found_by(alice, "weir") == [sorted(await passages_of(alice, kept))] * 3


@slow
async def test_a_former_index_is_kept_until_nobody_wants_it(switching: Switching) -> None:
    alice = switching.person()
    organization_id = alice.subject.organization_id

    async def stored() -> set[str]:
        return switching.stores.stored(organization_id)

    async with working(switching.models.settings):
        await alice.add(birds(10))
        await switching.models.configure(TINY, MINILM)
        await switching.until_searched_by(alice, TINY)
        assert len(await stored()) == 2
        assert await switching.operator("DELETE", "/former") == {"indexes": 1}
        assert await until(stored, found=lambda names: len(names) == 1) == {f"org_{organization_id.hex}_1"}
        status = await switching.operator("GET", "")
        assert (status["organizations"], status["switched"], status["former"]) == (1, 1, 0)
        await switching.models.configure(MINILM, TINY)
        await switching.until_searched_by(alice, MINILM_ID)
        assert await stored() == {f"org_{organization_id.hex}_{number}" for number in (1, 2)}
        assert len(await ids_found(alice, "heron")) == 4


async def test_only_the_operator_sees_and_ends_the_switch(switching: Switching) -> None:
    alice = switching.person(role=Role.OWNER)
    assert (await alice.get("/internal/embedding-switch")).status_code == 403
    assert (await alice.delete("/internal/embedding-switch/former")).status_code == 403


async def test_passages_that_the_new_model_refuses_for_good_are_found_by_words(switching: Switching) -> None:
    alice = switching.person()
    organization_id = alice.subject.organization_id
    async with working(switching.models.settings):
        refused = await alice.add(f"# Owl\n\nThe owl is {REFUSED}.\n\n# Weir\n\nNobody stands at the weir.")
        await alice.add(birds(10))
        await switching.models.configure(FAR, MINILM)
        await switching.until_searched_by(alice, FAR)
        assert await switching.counts(organization_id) == {MINILM_ID: 6, FAR: 6}
        found = (await alice.post("/search", json={"query": "owl"})).json()
        assert (found["results"][0]["document_id"], found["degraded"]) == (refused, [])
        similar = await alice.search("birds at a weir", strategy="vector", top_k=50)
        assert len(similar) == 5
        warned = (await alice.get(f"/documents/{refused}")).json()["warnings"]
        assert ["far" in one for one in warned] == [True]
        await switching.models.configure(MINILM, FAR)
        await switching.until_searched_by(alice, MINILM_ID)
        assert (await alice.get(f"/documents/{refused}")).json()["warnings"] == []
