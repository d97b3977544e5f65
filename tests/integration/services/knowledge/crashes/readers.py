"""What readers see of a document."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.integration.services.knowledge.conftest import Person

# Between two looks: the machine is also for what is watched.
REST_S = 0.02
# Unlike one another: a search shows passages that say the same once.
SECTIONS = {
    "Food": "The {bird} eats trout and eels that it catches below the weir at dawn.",
    "Nest": "In April it builds a platform of reeds and sticks high in the willow beside the weir.",
    "Voice": "A harsh croak warns visitors with cameras when they cross the footbridge over the weir.",
    "Money": "The parish pays eleven hundred euros a year to repair the concrete wall of the weir.",
}


def page(bird: str) -> str:
    parts = (f"## {heading}\n\n{text.format(bird=bird)}" for heading, text in SECTIONS.items())
    return "\n\n".join([f"# The {bird}", *parts])


async def passages_of(person: Person, document_id: str) -> list[str]:
    """The served content's passages in order; each once."""
    page = (await person.get(f"/documents/{document_id}/passages?limit=100")).raise_for_status().json()
    ids = [item["chunk_id"] for item in page["items"]]
    assert len(ids) == len(set(ids)), ids
    return [item["content"] for item in page["items"]]


async def found_by(person: Person, query: str) -> list[list[str]]:
    """What each way of searching finds."""
    return [
        sorted(await person.contents(query, strategy=strategy, top_k=50))
        for strategy in ("lexical", "vector", "hybrid")
    ]


@asynccontextmanager
async def watched(person: Person) -> AsyncGenerator[list[list[str]]]:
    """What searches found while the block ran, one after another."""
    seen: list[list[str]] = []
    stopping = asyncio.Event()

    async def keep_looking() -> None:
        while not stopping.is_set():
            for strategy in ("lexical", "vector", "hybrid"):
                seen.append(sorted(await person.contents("weir", strategy=strategy, top_k=50)))
                await asyncio.sleep(REST_S)

    looking = asyncio.create_task(keep_looking())
    try:
        yield seen
    finally:
        stopping.set()
        await looking
    assert seen
