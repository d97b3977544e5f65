"""The switch step by step, with vectors by arithmetic: what may come between two lines, and what it must not change."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from sqlalchemy import select, text

from libs.clients.embedding import EmbeddedPassages
from libs.config.settings import Settings
from libs.contracts.embedding import EmbeddingModelInfo
from libs.contracts.errors import ErrorCode, FootnoteError, unavailable
from libs.stores.postgres import Database
from services.knowledge import queue, repository
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.catching_up import INDEX_BEHIND, IndexCatchUp
from services.knowledge.embedding_switch import indexes
from services.knowledge.embedding_switch.served_models import ServedModels
from services.knowledge.embedding_switch.status import SwitchReports
from services.knowledge.embedding_switch.switcher import IndexSwitcher
from services.knowledge.models import DocumentRow
from services.knowledge.ports import Scope
from services.knowledge.under_way import under_way
from tests.integration.services.knowledge.indexed_passages import passage

OWNER = UUID(int=9)
EVERYONE = ("organization",)
DIMENSIONS = {"old@1": 8, "new@2": 4}


class TwoSpaces:
    """An embedder with two models; `meanwhile` happens while passages are being embedded."""

    def __init__(self) -> None:
        self.default = "new@2"
        self.error: FootnoteError | None = None
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self.embedded = 0
        self.away: set[str] = set()

    async def models(self, *, timeout_s: float = 10) -> list[EmbeddingModelInfo]:  # noqa: ARG002 - the port's
        return [
            EmbeddingModelInfo(
                id=space, created=0, owned_by="tests", dimension=dimension, max_tokens=6, space=space,
                default=space == self.default,
            )
            for space, dimension in DIMENSIONS.items() if space not in self.away
        ]  # fmt: skip

    async def embed_passages(
        self,
        texts: list[str],
        *,
        model: str = "default",
        timeout_s: float = 30,  # noqa: ARG002 - the port's
    ) -> EmbeddedPassages:
        if self.error:
            raise self.error
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        self.embedded += len(texts)
        vectors = np.full((len(texts), DIMENSIONS[model]), DIMENSIONS[model] ** -0.5, np.float32)
        return EmbeddedPassages(vectors, (b"",) * len(texts), model, model)


class Stage:
    """One worker's switcher over real stores, turned by hand."""

    def __init__(self, database: Database, index: LanceDbIndex) -> None:
        self.database, self.index, self.embedder = database, index, TwoSpaces()
        self.switcher = self.another()

    def another(self) -> IndexSwitcher:
        """What begins after the former was killed."""
        models, lease = ServedModels(self.embedder), timedelta(0)  # pyright: ignore[reportArgumentType] - asks no query
        return IndexSwitcher(self.database, self.index, self.embedder, models, lease)  # pyright: ignore[reportArgumentType] - as above

    async def sql(self, statement: str, **values: object) -> None:
        async with self.database.transaction() as session:
            await session.execute(text(statement), values)

    async def organization(self) -> UUID:
        """Searched by the old model."""
        organization_id = uuid4()
        async with self.database.transaction() as session:
            await repository.lock_organization(session, organization_id)
            await indexes.begin(session, organization_id, "old@1", serving=True)
        return organization_id

    async def publish(self, organization_id: UUID, passages: int, document_id: UUID | None = None) -> UUID:
        """A document, or a new content of one, indexed as ingestion does it: in the index that is searched."""
        id_, version = document_id or uuid4(), uuid4()
        written = [
            replace(passage(f"Heron {n}", n % 8), document_id=id_, version=version, position=n) for n in range(passages)
        ]
        await self.index.add(organization_id, written)
        await self.sql(
            "INSERT INTO knowledge.documents (id, organization_id, owner_id, title, access, status, media_type, "
            "size_bytes, chunk_count, served_version) VALUES (:id, :org, :owner, 'Birds', 'organization', 'completed', "
            "'text/plain', 1, :count, :version) ON CONFLICT (id) DO UPDATE SET served_version = :version",
            id=id_, org=organization_id, owner=OWNER, count=passages, version=version,
        )  # fmt: skip
        return id_

    async def upload(self, organization_id: UUID, document_id: UUID) -> None:
        """A content that waits to be indexed."""
        await self.sql(
            "INSERT INTO knowledge.revisions (id, document_id, organization_id, number, sha256, size_bytes, file_name, "
            "media_type, access, status) VALUES (:id, :document, :org, 1, 'x', 1, 'x', 'text/plain', 'private', 'pending')",
            id=uuid4(), document=document_id, org=organization_id,
        )  # fmt: skip

    async def searched(self, organization_id: UUID) -> str | None:
        async with self.database.transaction() as session:
            return (await indexes.serving(session, organization_id)).space

    async def turns(self, most: int = 20) -> int:
        """How many there were until nothing was left to do."""
        for number in range(most):
            if not await self.switcher.turn():
                return number
        raise AssertionError("it never ends")

    async def found(self, organization_id: UUID, readers: tuple[str, ...] = EVERYONE) -> int:
        """Passages in the new index."""
        vector = np.full(DIMENSIONS["new@2"], 0.5, np.float32)
        return len(await self.index.numbered(1).similar(Scope(organization_id, readers), vector, 100))


@pytest.fixture
async def stage(
    clean_database: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    monkeypatch.setattr("services.knowledge.embedding_switch.switcher.TURN_PASSAGES", 3)
    monkeypatch.setattr("services.knowledge.embedding_switch.served_models.KNOWN_FOR_S", 0)
    database = Database(settings, "knowledge")
    yield Stage(database, LanceDbIndex(tmp_path, exact_below=1_000))
    await database.close()


async def test_what_was_embedded_before_a_crash_is_not_embedded_again(stage: Stage) -> None:
    organization_id = await stage.organization()
    await stage.publish(organization_id, 8)
    await stage.switcher.follow_model()
    assert await stage.switcher.turn()
    stage.embedder.error = unavailable("embedding")
    with pytest.raises(FootnoteError):
        await stage.switcher.turn()
    stage.embedder.error, stage.switcher = None, stage.another()
    await stage.turns()
    assert (stage.embedder.embedded, await stage.searched(organization_id)) == (8, "new@2")


async def test_a_model_that_refuses_whatever_it_is_given_gets_no_index(stage: Stage) -> None:
    """Then its server is at fault, and not some of the texts."""
    organization_id = await stage.organization()
    await stage.publish(organization_id, 2)
    await stage.switcher.follow_model()
    stage.embedder.error = FootnoteError(ErrorCode.VALIDATION_ERROR, "Your account was closed.", 422)
    with pytest.raises(FootnoteError, match="account"):
        await stage.turns()
    assert (await stage.found(organization_id), await stage.searched(organization_id)) == (0, "old@1")
    stage.embedder.error = None
    await stage.turns()
    assert (await stage.found(organization_id), await stage.searched(organization_id)) == (2, "new@2")


async def test_what_is_closed_while_it_is_embedded_is_closed_in_the_new_index(stage: Stage) -> None:
    organization_id = await stage.organization()
    document_id = await stage.publish(organization_id, 2)

    async def close() -> None:
        await stage.sql("UPDATE knowledge.documents SET access = 'private' WHERE id = :id", id=document_id)
        payload = {"organization_id": str(organization_id), "document_id": str(document_id)}
        await IndexCatchUp(stage.database, stage.index).deliveries()[INDEX_BEHIND](payload)

    stage.embedder.meanwhile = close
    await stage.switcher.follow_model()
    assert await stage.switcher.turn()
    assert (await stage.found(organization_id), await stage.found(organization_id, (f"user:{OWNER}",))) == (0, 2)


async def test_what_is_replaced_or_purged_while_it_is_embedded_does_not_come(stage: Stage) -> None:
    organization_id = await stage.organization()
    replaced, purged = await stage.publish(organization_id, 1), await stage.publish(organization_id, 1)

    async def change() -> None:
        await stage.publish(organization_id, 1, replaced)
        gone = "UPDATE knowledge.documents SET served_version = NULL, purged_at = now() WHERE id = :id"
        await stage.sql(gone, id=purged)

    stage.embedder.meanwhile = change
    await stage.switcher.follow_model()
    assert await stage.switcher.turn()
    assert await stage.found(organization_id) == 0
    await stage.turns()
    assert (await stage.found(organization_id), await stage.searched(organization_id)) == (1, "new@2")


async def test_there_is_no_switch_while_a_published_document_is_missing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization_id = await stage.organization()
    await stage.publish(organization_id, 3)
    await stage.switcher.follow_model()
    assert await stage.switcher.turn()
    survey, late = LanceDbIndex.maintain, [stage.publish]

    async def published_at_the_last_moment(index: LanceDbIndex, organization: UUID) -> None:
        await survey(index, organization)
        if late:
            await late.pop()(organization, 2)

    monkeypatch.setattr(LanceDbIndex, "maintain", published_at_the_last_moment)
    assert await stage.switcher.turn()
    assert await stage.searched(organization_id) == "old@1"
    await stage.turns()
    assert (await stage.found(organization_id), await stage.searched(organization_id)) == (5, "new@2")


async def test_organisations_take_turns(stage: Stage) -> None:
    large, small = await stage.organization(), await stage.organization()
    await stage.publish(large, 30)
    await stage.publish(small, 3)
    await stage.switcher.follow_model()
    for _ in range(4):
        assert await stage.switcher.turn()
    assert [await stage.searched(one) for one in (large, small)] == ["old@1", "new@2"]


async def test_uploads_come_first_and_never_stop_the_switch(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    # However long these turns take, they come soon after one another.
    monkeypatch.setattr("services.knowledge.embedding_switch.switcher.BEHIND_UPLOADS_S", 3600)
    organization_id, other = await stage.organization(), await stage.organization()
    await stage.publish(organization_id, 9)
    await stage.upload(other, await stage.publish(other, 1))
    await stage.switcher.follow_model()
    assert [await stage.switcher.turn() for _ in range(3)] == [True, False, False]
    monkeypatch.setattr("services.knowledge.embedding_switch.switcher.BEHIND_UPLOADS_S", 0)
    await stage.turns()
    assert await stage.searched(organization_id) == "new@2"


async def test_going_back_before_the_end_leaves_things_as_they_were(stage: Stage) -> None:
    organization_id = await stage.organization()
    await stage.publish(organization_id, 9)
    await stage.switcher.follow_model()
    assert await stage.switcher.turn()
    stage.embedder.default = "old@1"
    await stage.switcher.follow_model()
    assert await stage.turns() == 0
    assert await stage.searched(organization_id) == "old@1"
    stage.embedder.default = "new@2"
    await stage.switcher.follow_model()
    await stage.turns()
    assert (stage.embedder.embedded, await stage.searched(organization_id)) == (9, "new@2")


async def test_nothing_new_is_indexed_where_it_could_not_be_published(stage: Stage) -> None:
    organization_id = await stage.organization()
    await stage.upload(organization_id, await stage.publish(organization_id, 1))

    async def claimed(*spaces: str) -> bool:
        async with stage.database.transaction() as session:
            found = await queue.claim(session, 60, 1, 1, queue.SizeBounds(1), spaces)
            await session.rollback()
        return found is not None

    assert [await claimed("new@2"), await claimed("old@1", "new@2")] == [False, True]
    await stage.switcher.follow_model()
    await stage.sql("UPDATE knowledge.indexes SET uploads_wait_until = now() + interval '1 minute' WHERE NOT serving")
    assert not await claimed("old@1", "new@2")


async def test_what_waits_for_a_model_that_is_not_served_says_so_until_the_switch(stage: Stage) -> None:
    organization_id = await stage.organization()
    document_id = await stage.publish(organization_id, 1)
    await stage.upload(organization_id, document_id)
    await stage.sql("UPDATE knowledge.documents SET status = 'pending' WHERE id = :id", id=document_id)
    reports = SwitchReports(stage.database, ServedModels(stage.embedder))  # pyright: ignore[reportArgumentType] - as above

    async def told() -> list[str]:
        await reports.tell_documents()
        async with stage.database.transaction() as session:
            documents = list(await session.scalars(select(DocumentRow).where(DocumentRow.id == document_id)))
            said = await under_way(session, documents)
        return [one.waiting.code for one in said.values() if one.waiting]

    assert await told() == []
    stage.embedder.away = {"old@1"}
    assert await told() == ["embedding_model"]
    await stage.switcher.follow_model()
    await stage.turns()
    assert await told() == []
