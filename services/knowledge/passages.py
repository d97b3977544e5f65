"""A document's passages, one after another or one in its surroundings."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import Subject
from libs.contracts.knowledge import Passage, PassageInContext, PassageList, ServedPassage
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.embedding_switch import indexes
from services.knowledge.ports import FoundPassage, PassageIndex
from services.knowledge.repository import ServedDocument
from services.knowledge.searching import location_of
from services.knowledge.seen_passages import Place, SeenPassages

AROUND_CHARS = 600
# A content may be replaced between the look at the index and the one at the system of record: then both look again.
LOOKS = 3


class Passages:
    def __init__(self, database: Database, index: PassageIndex) -> None:
        self._database = database
        self._index = index
        self._seen = SeenPassages()

    async def page(self, subject: Subject, document_id: UUID, cursor: str | None, limit: int) -> PassageList:
        offset = _offset(cursor)
        for _ in range(LOOKS):
            async with self._database.transaction() as session:
                document = await repository.document_of(session, subject, document_id)
                index = self._index.numbered(await self._searched(session, subject))
            if document.served_version is None or offset >= document.chunk_count:
                break
            found = await index.of_document(
                subject.organization_id, document_id, document.served_version, offset, limit
            )
            if found:
                more = offset + limit < document.chunk_count
                items = [_shown(passage) for passage in found]
                return PassageList(items=items, next_cursor=str(offset + limit) if more else None)
        return PassageList(items=[], next_cursor=None)

    async def in_context(self, subject: Subject, document_id: UUID, chunk_id: UUID) -> PassageInContext:
        """404 for a passage that the document doesn't serve now."""
        for _ in range(LOOKS):
            async with self._database.transaction() as session:
                await repository.document_of(session, subject, document_id)
            passage, document = (await self._served(subject, [chunk_id])).get(chunk_id, (None, None))
            if passage is None or document is None or document.id != document_id:
                break
            async with self._database.transaction() as session:
                around = await repository.surroundings(
                    session, document_id, passage.version, passage.start, passage.end, AROUND_CHARS
                )
            if around:
                return PassageInContext(
                    **_shown(passage).model_dump(),
                    title=document.title,
                    external_id=document.external_id,
                    before=around[0],
                    after=around[1],
                )
        raise not_found("passage", chunk_id)

    async def readable(self, subject: Subject, chunk_ids: list[UUID]) -> list[UUID]:
        """Those of the passages that the subject may read now, in the order asked.

        The system of record is asked each time; the index only about passages that weren't seen there before, or that
        belong to a content which isn't served any more.
        """
        async with self._database.transaction() as session:
            number = await self._searched(session, subject)
            seen = self._seen.of(subject.organization_id, number, chunk_ids)
            documents = await repository.served_documents(session, subject, {one.document_id for one in seen.values()})
        open_to = {
            chunk_id
            for chunk_id, place in seen.items()
            if place.document_id in documents and documents[place.document_id].version == place.version
        }
        closed = {chunk_id for chunk_id, place in seen.items() if place.document_id not in documents}
        others = [chunk_id for chunk_id in chunk_ids if chunk_id not in open_to and chunk_id not in closed]
        if others:
            open_to.update(await self._served(subject, others))
        return [chunk_id for chunk_id in chunk_ids if chunk_id in open_to]

    async def served(self, subject: Subject, chunk_ids: list[UUID]) -> list[ServedPassage]:
        """Those of the passages that the subject may read now."""
        return [
            ServedPassage(**_shown(passage).model_dump(), title=document.title, external_id=document.external_id)
            for passage, document in (await self._served(subject, chunk_ids)).values()
        ]

    async def _served(
        self, subject: Subject, chunk_ids: Sequence[UUID]
    ) -> dict[UUID, tuple[FoundPassage, ServedDocument]]:
        """The passages that are served and open to the subject, each with its document."""
        served: dict[UUID, tuple[FoundPassage, ServedDocument]] = {}
        for _ in range(LOOKS):
            async with self._database.transaction() as session:
                number = await self._searched(session, subject)
            found = await self._index.numbered(number).by_ids(subject.organization_id, chunk_ids)
            async with self._database.transaction() as session:
                documents = await repository.served_documents(session, subject, {one.document_id for one in found})
            served = {
                one.chunk_id: (one, documents[one.document_id])
                for one in found
                if one.document_id in documents and one.version == documents[one.document_id].version
            }
            for chunk_id, (one, _) in served.items():
                self._seen.add(subject.organization_id, number, chunk_id, Place(one.document_id, one.version))
            if all(one.chunk_id in served for one in found if one.document_id in documents):
                break
        return served

    async def _searched(self, session: AsyncSession, subject: Subject) -> int:
        """The number of the index that the organisation's searches use."""
        return (await indexes.serving(session, subject.organization_id)).number


def _shown(passage: FoundPassage) -> Passage:
    return Passage(
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        content=passage.content,
        location=location_of(passage),
    )


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:  # noqa: PLR2004 - more than any document has
        raise FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"{cursor[:60]!r} isn't a cursor of ours. Start again without one.",
            422,
            {"fields": [{"field": "cursor", "message": "unknown cursor"}]},
        )
    return int(cursor)
