"""Two large files of one organisation don't take every slot of the worker."""

from libs.config.settings import Settings
from libs.stores.postgres import Database
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.large_work import SMALL_BYTES, LargeWork
from services.knowledge.parsing.sandbox import Sandbox
from tests.integration.services.knowledge.ingestion.held import (
    HeldEmbedder,
    MakePerson,
    an_ingester,
    held_turn,
    status,
)

# Few passages: what fills it up is white space.
LARGE = "Otters swim." + "\n" * SMALL_BYTES


async def test_large_files_of_one_organisation_leave_a_slot_to_the_others(
    clean_database: None, knowledge_settings: Settings, database: Database, sandbox: Sandbox, person: MakePerson
) -> None:
    index = LanceDbIndex(knowledge_settings.home / "knowledge", exact_below=1_000)
    shared, embedders = LargeWork(slots=2), [HeldEmbedder(), HeldEmbedder()]
    first, second = (an_ingester(knowledge_settings, database, index, one, sandbox, shared) for one in embedders)
    alice, bob = person(), person()
    large = [await alice.send(f"{LARGE}{number}") for number in range(2)]
    turn = await held_turn(first, embedders[0])
    assert not await second.turn()
    others = await bob.send(LARGE)
    small = await alice.send("Herons wade.")
    while await second.turn():
        pass
    assert [await status(*one) for one in ((bob, others), (alice, small))] == ["completed", "completed"]
    assert sorted([await status(alice, one) for one in large]) == ["pending", "processing"]
    assert embedders[0].wait
    embedders[0].wait.set()
    assert await turn
    assert await second.turn()
    assert [await status(alice, one) for one in large] == ["completed", "completed"]


async def test_a_worker_of_one_slot_takes_what_comes(
    clean_database: None, knowledge_settings: Settings, database: Database, sandbox: Sandbox, person: MakePerson
) -> None:
    index = LanceDbIndex(knowledge_settings.home / "knowledge", exact_below=1_000)
    embedder, alice = HeldEmbedder(), person()
    ingester = an_ingester(knowledge_settings, database, index, embedder, sandbox, LargeWork(slots=1))
    large = [await alice.send(f"{LARGE}{number}") for number in range(2)]
    assert await ingester.turn()
    assert await ingester.turn()
    assert [await status(alice, one) for one in large] == ["completed", "completed"]
