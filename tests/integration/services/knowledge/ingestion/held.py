"""An ingester whose embedding can be held back, and what tests of it look at."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import numpy as np
from sqlalchemy import text

from libs.clients.embedding import EmbeddedPassages
from libs.config.settings import Settings
from libs.contracts.embedding import EmbeddingModelInfo
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.stores.postgres import Database
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.ingestion import Ingester
from services.knowledge.large_work import LargeWork
from services.knowledge.main import blob_store
from services.knowledge.parsing.sandbox import Sandbox
from tests.integration.services.knowledge.conftest import Person

MakePerson = Callable[..., Person]


class HeldEmbedder:
    """Vectors by arithmetic; `wait` holds them back, `error` is raised instead; a text with `refused` isn't taken."""

    def __init__(self) -> None:
        self.wait: asyncio.Event | None = None
        self.reached = asyncio.Event()
        self.error: Exception | None = None
        self.refused: str | None = None
        self.calls = 0
        self.embedded = 0

    async def models(self, *, timeout_s: float = 10) -> list[EmbeddingModelInfo]:  # noqa: ARG002 - the port's
        return [
            EmbeddingModelInfo(
                id="arithmetic",
                created=0,
                owned_by="tests",
                dimension=384,
                max_tokens=256,
                space="arithmetic",
                default=True,
            )
        ]

    async def embed_passages(
        self,
        texts: list[str],
        *,
        model: str = "default",
        timeout_s: float = 30,  # noqa: ARG002 - the port's
    ) -> EmbeddedPassages:
        assert model == "arithmetic"
        self.reached.set()
        self.calls += 1
        if self.error:
            raise self.error
        if self.refused and any(self.refused in text for text in texts):
            raise FootnoteError(ErrorCode.VALIDATION_ERROR, "The server refuses the text.", 422, {"param": "input"})
        if self.wait:
            await self.wait.wait()
        self.embedded += len(texts)
        rows = np.ones((len(texts), 384), np.float32)
        vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return EmbeddedPassages(vectors, (b"",) * len(texts), "arithmetic", "arithmetic")


def an_ingester(
    settings: Settings,
    database: Database,
    index: LanceDbIndex,
    embedder: HeldEmbedder,
    sandbox: Sandbox,
    large: LargeWork | None = None,
) -> Ingester:
    return Ingester(
        database,
        index,
        blob_store(settings, database),
        embedder,
        sandbox,
        lambda texts: [len(text.split()) for text in texts],
        settings.ingestion,
        largest_bytes=10_000_000,
        large=large,
    )


async def held_turn(ingester: Ingester, embedder: HeldEmbedder) -> "asyncio.Task[bool]":
    """A turn that has come to its embedding and waits there until `embedder.wait` is set."""
    embedder.reached.clear()
    embedder.wait = asyncio.Event()
    turn = asyncio.create_task(ingester.turn())
    await embedder.reached.wait()
    return turn


async def status(person: Person, document_id: str) -> str:
    return (await person.get(f"/documents/{document_id}")).json()["status"]


async def version(database: Database, document_id: str) -> UUID:
    query = text("SELECT served_version FROM knowledge.documents WHERE id = :id")
    async with database.transaction() as session:
        return await session.scalar(query, {"id": UUID(document_id)})
