"""A long document is written in parts, which nobody sees before all are there."""

import asyncio

import pytest

from libs.contracts.errors import unavailable
from services.knowledge import writing
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.ingestion import Ingester
from services.knowledge.ports import FoundPassage, Scope
from tests.integration.services.knowledge.conftest import Person, until
from tests.integration.services.knowledge.ingestion.held import HeldEmbedder, MakePerson, held_turn

LONG = "\n\n".join(f"# Part {number}\n\nHeron {number} wades." for number in range(10))


async def half_written(
    embedder: HeldEmbedder, ingester: Ingester, alice: Person, monkeypatch: pytest.MonkeyPatch, *beside: str
) -> tuple[str, asyncio.Task[bool]]:
    """A long document of which four passages of ten are written; the next four fail while `embedder.error` stands.

    The texts `beside` it are indexed in the same turn.
    """
    monkeypatch.setattr(writing, "WRITTEN_AT_ONCE", 4)
    monkeypatch.setattr(writing, "PAUSE_S", 0.01)
    document_id = await alice.send(LONG, "Herons")
    for beside_it in beside:
        await alice.send(beside_it)
    turn = await held_turn(ingester, embedder)
    assert (await alice.show(document_id))["progress"] == {"done": 0, "total": 10}
    embedder.error = unavailable("embedding")
    embedder.wait.set()
    await until(alice.show, document_id, found=lambda one: one["progress"] == {"done": 4, "total": 10})
    return document_id, turn


async def test_a_long_document_is_written_in_parts_and_waits_where_it_is(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    document_id, turn = await half_written(embedder, ingester, alice, monkeypatch)
    states = await alice.post("/documents/states", json={"document_ids": [document_id]})
    assert states.json()["items"][0]["progress"] == {"done": 4, "total": 10}
    assert await alice.contents("heron", strategy="lexical") == []
    embedder.error = None
    assert await turn
    document = await alice.show(document_id)
    assert (document["status"], document["chunk_count"], document["progress"]) == ("completed", 10, None)
    passages = (await alice.get(f"/documents/{document_id}/passages")).json()["items"]
    assert embedder.embedded == len(passages) == 10


async def test_a_long_document_that_is_deleted_is_not_written_to_its_end(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    document_id, turn = await half_written(embedder, ingester, alice, monkeypatch, "# Otter\n\nOtters swim.")
    await alice.delete(f"/documents/{document_id}")
    embedder.error = None
    await turn
    assert embedder.embedded == 8 + 1
    assert await alice.contents("otters", strategy="lexical") == ["Otter\n\nOtters swim."]
    assert not await ingester.turn()


async def test_a_half_written_document_crowds_nothing_out(
    ingester: Ingester, embedder: HeldEmbedder, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person()
    await alice.send("# Heron\n\nThe heron that is served.")
    assert await ingester.turn()
    _, turn = await half_written(embedder, ingester, alice, monkeypatch)
    scopes: list[Scope] = []
    lexical = LanceDbIndex.lexical

    async def noted(index: LanceDbIndex, scope: Scope, query: str, limit: int) -> list[FoundPassage]:
        scopes.append(scope)
        return await lexical(index, scope, query, limit)

    monkeypatch.setattr(LanceDbIndex, "lexical", noted)
    assert await alice.contents("heron", strategy="lexical") == ["Heron\n\nThe heron that is served."]
    assert len(scopes) == 1
    assert len(scopes[0].unserved) == 1
    embedder.error = None
    await turn
