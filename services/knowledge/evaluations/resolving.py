"""What judgements name, as the asker may read it now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.evaluation import Judgement, Question
from libs.contracts.identity import Subject
from libs.evaluation.reporting import JudgedQuestion, digest_of
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.access import readable
from services.knowledge.embedding_switch import indexes
from services.knowledge.models import DocumentRow
from services.knowledge.ports import PassageIndex

# Names in one query; the database takes 32,767 parameters.
AT_ONCE = 1_000

Name = TypeVar("Name", str, UUID)


@dataclass(frozen=True)
class Resolved:
    """`unresolved` counts a question's judgements that name nothing that is served to the asker; none is left out."""

    questions: list[JudgedQuestion]
    unresolved: dict[str, int]


class Resolver:
    def __init__(self, database: Database, index: PassageIndex) -> None:
        self._database = database
        self._index = index

    async def resolve(self, subject: Subject, questions: Sequence[Question]) -> Resolved:
        """Items are document ids, of questions about passages chunk ids; what isn't there is an item nobody finds."""
        judgements = [one for question in questions for one in question.relevant]
        async with self._database.transaction() as session:
            by_external_id = await _with_external_ids(
                session, subject, {one.external_id for one in judgements if one.external_id}
            )
            named = {one.document_id for one in judgements if one.document_id} | set(by_external_id.values())
            served = {
                document_id: document.version
                for part in _parts(named)
                for document_id, document in (await repository.served_documents(session, subject, part)).items()
            }
        of_chunk = await self._documents_of(subject, {one.chunk_id for one in judgements if one.chunk_id}, served)
        resolved: list[JudgedQuestion] = []
        unresolved: dict[str, int] = {}
        for question in questions:
            relevant: dict[str, int] = {}
            for place, one in enumerate(question.relevant):
                document_id = one.document_id or by_external_id.get(one.external_id or "")
                item = _item(one, document_id if document_id in served else None, of_chunk)
                relevant[item or f"unresolved {place}"] = one.grade
                if item is None:
                    unresolved[question.name] = unresolved.get(question.name, 0) + 1
            judged = digest_of(question.query, [one.model_dump_json() for one in question.relevant])
            resolved.append(JudgedQuestion(question.name, question.query, relevant, judged))
        return Resolved(resolved, unresolved)

    async def _documents_of(self, subject: Subject, chunks: set[UUID], served: dict[UUID, UUID]) -> dict[UUID, UUID]:
        """Each chunk's document, of those chunks that belong to what is served."""
        found: dict[UUID, UUID] = {}
        async with self._database.transaction() as session:
            searched = (await indexes.serving(session, subject.organization_id)).number
        for part in _parts(chunks):
            passages = await self._index.numbered(searched).by_ids(subject.organization_id, part)
            found |= {one.chunk_id: one.document_id for one in passages if served.get(one.document_id) == one.version}
        return found


def _item(one: Judgement, document_id: UUID | None, of_chunk: dict[UUID, UUID]) -> str | None:
    if document_id is None:
        return None
    if one.chunk_id is None:
        return str(document_id)
    return str(one.chunk_id) if of_chunk.get(one.chunk_id) == document_id else None


async def _with_external_ids(session: AsyncSession, subject: Subject, names: set[str]) -> dict[str, UUID]:
    found: dict[str, UUID] = {}
    for part in _parts(names):
        query = select(DocumentRow.external_id, DocumentRow.id).where(
            readable(subject), DocumentRow.external_id.in_(part)
        )
        found |= {name: id_ for name, id_ in await session.execute(query) if name}
    return found


def _parts(names: Iterable[Name]) -> list[list[Name]]:
    ordered = list(names)
    return [ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE)]
