"""Passages from the index that is searched into another one, embedded anew: text and ids stay, vectors are new."""

from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from libs.contracts.embedding import EmbeddingModelInfo
from libs.contracts.errors import unavailable
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge.catching_up import indexed_as
from services.knowledge.chunking.context import header_of, in_context
from services.knowledge.embedding_switch import refused
from services.knowledge.embedding_switch.served_models import same_space
from services.knowledge.models import DocumentRow
from services.knowledge.ports import Embedder, FoundPassage, IndexedPassage, PassageAttributes, PassageIndex

log = get_logger(__name__)

# Of what a model reads, at the ends.
MARKS = 2


@dataclass
class Missing:
    """A document of whose served passages the first `done` of `total` are in the new index."""

    document_id: UUID
    version: UUID
    done: int
    total: int


@dataclass
class Survey:
    """What there was to do when both indexes were looked at: `total` passages, `done` of them there.

    `complete` are the versions of which every passage was there.
    """

    missing: deque[Missing] = field(default_factory=deque[Missing])
    complete: set[UUID] = field(default_factory=set[UUID])
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Copied:
    """`cut` of the `passages` are longer than the model reads."""

    passages: int
    cut: int


@dataclass(frozen=True)
class _Holds:
    """What the system of record says of a document now."""

    version: UUID
    title: str
    attributes: PassageAttributes


class PassageCopier:
    """Whatever is done twice, or again after a crash, changes nothing: what is there isn't added again."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder

    async def survey(self, organization_id: UUID, source: PassageIndex, target: PassageIndex) -> Survey:
        there = await target.counts(organization_id)
        query = select(DocumentRow.id, DocumentRow.served_version).where(
            DocumentRow.organization_id == organization_id, DocumentRow.served_version.is_not(None)
        )
        async with self._database.transaction() as session:
            served = {version: id_ for id_, version in await session.execute(query.order_by(DocumentRow.id)) if version}
        # After the documents: what they name is in the index that is searched.
        wanted = await source.counts(organization_id)
        return _surveyed(served, there, wanted)

    async def copy(
        self,
        organization_id: UUID,
        source: PassageIndex,
        target: PassageIndex,
        survey: Survey,
        model: EmbeddingModelInfo,
        most: int,
    ) -> Copied:
        """The next passages that `survey` misses, at most `most`. Raises FootnoteError where they can't be embedded."""
        passages = await self._next(organization_id, source, survey, most)
        before = await self._holds({one.document_id for one in passages})
        passages = [one for one in passages if _version(before, one) == one.version]
        if not passages:
            return Copied(0, 0)
        texts = [
            in_context(before[one.document_id].title, one.heading_path, one.table_header, one.content)
            for one in passages
        ]
        embedded = await refused.embed(self._embedder, texts, model.id)
        made = embedded.made
        if not same_space(made.space, model.space):
            raise unavailable("embedding")
        if embedded.refused:
            lacking = [passages[place] for place in embedded.refused]
            await self._say_refused(organization_id, lacking, embedded.reason, model.id)
        rows = [
            _indexed(one, before[one.document_id], made.vectors[row], made.tokens[row], made.revision)
            for row, one in enumerate(passages)
        ]
        await target.add_absent(organization_id, rows, self._served)
        await self._follow(organization_id, target, before)
        longest = model.max_tokens - MARKS
        return Copied(len(passages), sum(one.token_count > longest for one in passages))

    async def _say_refused(
        self, organization_id: UUID, passages: Sequence[FoundPassage], reason: str, model: str
    ) -> None:
        """Before the rows are there: whoever finds them doesn't embed them again."""
        for document_id, count in Counter(one.document_id for one in passages).items():
            of = {"organization_id": str(organization_id), "document_id": str(document_id), "passages": count}
            log.warning("passages refused by the embedding model", model=model, reason=reason, **of)
        await refused.warn(self._database, {one.version for one in passages}, model)

    async def _next(self, organization_id: UUID, source: PassageIndex, survey: Survey, most: int) -> list[FoundPassage]:
        passages: list[FoundPassage] = []
        while survey.missing and len(passages) < most:
            first = survey.missing[0]
            room = min(most - len(passages), first.total - first.done)
            found = await source.of_document(organization_id, first.document_id, first.version, first.done, room)
            passages += found
            first.done += len(found)
            if not found or first.done >= first.total:
                survey.missing.popleft()
        return passages

    async def _holds(self, document_ids: Collection[UUID]) -> dict[UUID, _Holds]:
        query = select(DocumentRow).where(DocumentRow.id.in_(document_ids))
        async with self._database.transaction() as session:
            rows = list(await session.scalars(query))
        return {row.id: _Holds(*said) for row in rows if (said := indexed_as(row))}

    async def _served(self, versions: Collection[UUID]) -> set[UUID]:
        query = select(DocumentRow.served_version).where(DocumentRow.served_version.in_(versions))
        async with self._database.transaction() as session:
            return {version for version in await session.scalars(query) if version}

    async def _follow(self, organization_id: UUID, target: PassageIndex, written: dict[UUID, _Holds]) -> None:
        """Until what was written is what holds: a change that came before the rows didn't find them."""
        while written:
            holds = await self._holds(written.keys())
            given_up = [one.version for id_, one in written.items() if id_ not in holds or _other(holds[id_], one)]
            await target.remove(organization_id, given_up)
            changed = {
                id_: holds[id_] for id_, one in written.items() if id_ in holds and not _other(holds[id_], one)
                and holds[id_] != one
            }  # fmt: skip
            for one in changed.values():
                await target.update(organization_id, one.version, one.title, one.attributes)
            written = changed


def _surveyed(served: dict[UUID, UUID], there: Counter[UUID], wanted: Counter[UUID]) -> Survey:
    survey = Survey()
    for version, document_id in served.items():
        total = wanted[version]
        done = min(there[version], total)
        survey.total += total
        survey.done += done
        if done < total:
            survey.missing.append(Missing(document_id, version, done, total))
        else:
            survey.complete.add(version)
    return survey


def _version(holds: dict[UUID, _Holds], passage: FoundPassage) -> UUID | None:
    said = holds.get(passage.document_id)
    return said.version if said else None


def _other(one: _Holds, other: _Holds) -> bool:
    """Whether another content is served."""
    return one.version != other.version


def _indexed(
    passage: FoundPassage, holds: _Holds, vector: NDArray[np.float32], tokens: bytes, revision: str
) -> IndexedPassage:
    return IndexedPassage(
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        version=passage.version,
        position=passage.position,
        header=header_of(holds.title, passage.heading_path),
        table_header=passage.table_header,
        content=passage.content,
        heading_path=passage.heading_path,
        page=passage.page,
        start=passage.start,
        end=passage.end,
        token_count=passage.token_count,
        attributes=holds.attributes,
        vector=vector,
        tokens=tokens,
        model_revision=revision,
    )
