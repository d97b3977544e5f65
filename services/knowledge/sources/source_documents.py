"""The documents of a source: those whose external_id begins with the source's own prefix, and no others."""

from hashlib import sha256
from uuid import UUID

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import SOURCE_PREFIX
from libs.contracts.sources import InventoryItem
from libs.contracts.values import MetadataValue
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.documents import Documents
from services.knowledge.sources.exclusions import StaysDeletedError, excluded
from services.knowledge.sources.inventory import Inventories
from services.knowledge.upload_rows import Upload
from services.knowledge.uploads import Uploads

PAGE = 1_000
EXTERNAL_ID_MAX_CHARS = 500


def prefix_of(source_id: UUID) -> str:
    return f"{SOURCE_PREFIX}{source_id}:"


def object_external_id(source_id: UUID, key: str) -> str:
    """The source's prefix and the object's key, or for one that is too long, its SHA-256."""
    named = prefix_of(source_id) + key
    if len(named) <= EXTERNAL_ID_MAX_CHARS:
        return named
    return f"{prefix_of(source_id)}key-sha256:{sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()}"


class SourceDocuments:
    def __init__(self, database: Database, documents: Documents, uploads: Uploads) -> None:
        self._database = database
        self._inventories = Inventories(database)
        self._documents = documents
        self._uploads = uploads

    async def known(self, subject: Subject, source_id: UUID) -> dict[str, InventoryItem]:
        """By external_id."""
        known: dict[str, InventoryItem] = {}
        cursor: str | None = None
        while True:
            page = await self._inventories.page(subject, prefix_of(source_id), cursor, PAGE)
            known |= {item.external_id: item for item in page.items if item.external_id}
            cursor = page.next_cursor
            if cursor is None:
                return known

    async def excluded(self, source_id: UUID) -> frozenset[str]:
        """The external ids of those that somebody has deleted; they stay so."""
        async with self._database.transaction() as session:
            return await excluded(session, source_id)

    async def metadata_of(self, subject: Subject, document_id: UUID) -> dict[str, MetadataValue] | None:
        """What is said of its newest content; None where somebody has deleted it meanwhile."""
        try:
            async with self._database.transaction() as session:
                document = await repository.document_of(session, subject, document_id)
                contents = await repository.revisions_of(session, document_id)
        except FootnoteError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return None
        newest = max(contents, key=lambda row: row.number, default=document)
        return {**newest.custom}

    async def accept(self, subject: Subject, upload: Upload) -> bool:
        """Adds it, or replaces what has its external_id; false where somebody has deleted that meanwhile.

        Raises what an upload raises.
        """
        try:
            await self._uploads.accept(subject, [upload])
        except StaysDeletedError:
            return False
        return True

    async def move(self, subject: Subject, document_id: UUID, external_id: str, source: str) -> bool:
        """False where somebody has deleted it, or taken the name, meanwhile."""
        try:
            await self._inventories.rename(subject, document_id, external_id, source)
        except FootnoteError as error:
            if error.code not in {ErrorCode.NOT_FOUND, ErrorCode.CONFLICT}:
                raise
            return False
        return True

    async def delete(self, subject: Subject, document_id: UUID) -> bool:
        """False where somebody has deleted it meanwhile."""
        try:
            await self._documents.delete(subject, document_id, by_source=True)
        except FootnoteError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return False
        return True
