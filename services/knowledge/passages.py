"""A document's passages, one after another or one in its surroundings."""

import asyncio
from pathlib import Path
from uuid import UUID

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import Subject
from libs.contracts.knowledge import Passage, PassageInContext, PassageList
from libs.stores.blobs import BlobStore
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.ports import FoundPassage, PassageIndex
from services.knowledge.retrieval import location_of

AROUND_CHARS = 600


class Passages:
    def __init__(self, database: Database, index: PassageIndex, blobs: BlobStore) -> None:
        self._database = database
        self._index = index
        self._blobs = blobs

    async def page(self, subject: Subject, document_id: UUID, cursor: str | None, limit: int) -> PassageList:
        offset = _offset(cursor)
        async with self._database.transaction() as session:
            document = await repository.document_of(session, subject, document_id)
        if document.served_version is None:
            return PassageList(items=[], next_cursor=None)
        found = await self._index.of_document(
            subject.organization_id, document_id, document.served_version, offset, limit
        )
        more = offset + limit < document.chunk_count
        return PassageList(
            items=[_shown(passage) for passage in found], next_cursor=str(offset + limit) if more else None
        )

    async def in_context(self, subject: Subject, document_id: UUID, chunk_id: UUID) -> PassageInContext:
        """404 for a passage that the document doesn't serve now."""
        async with self._database.transaction() as session:
            document = await repository.document_of(session, subject, document_id)
        named = await self._index.by_ids(subject.organization_id, [chunk_id])
        found = [passage for passage in named if passage.version == document.served_version]
        if not found or document.served_text_sha256 is None:
            raise not_found("passage", chunk_id)
        passage = found[0]
        path = await self._blobs.local_path(subject.organization_id, document.served_text_sha256)
        before, after = await asyncio.to_thread(_surroundings, path, passage.start, passage.end)
        return PassageInContext(
            **_shown(passage).model_dump(),
            title=document.title,
            external_id=document.external_id,
            before=before,
            after=after,
        )

    async def readable(self, subject: Subject, chunk_ids: list[UUID]) -> list[UUID]:
        """Those of the passages that the subject may read now, in the order asked."""
        found = await self._index.by_ids(subject.organization_id, chunk_ids)
        async with self._database.transaction() as session:
            served = await repository.served_documents(session, subject, {passage.document_id for passage in found})
        open_ids = {
            passage.chunk_id
            for passage in found
            if (document := served.get(passage.document_id)) and document.served_version == passage.version
        }
        return [chunk_id for chunk_id in chunk_ids if chunk_id in open_ids]


def _shown(passage: FoundPassage) -> Passage:
    return Passage(
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        content=passage.content,
        location=location_of(passage),
    )


def _surroundings(path: Path, start: int, end: int) -> tuple[str, str]:
    text = path.read_bytes().decode()
    return text[max(0, start - AROUND_CHARS) : start], text[end : end + AROUND_CHARS]


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
