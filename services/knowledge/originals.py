"""The files that documents were made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from libs.contracts.errors import not_found
from libs.contracts.identity import Subject
from libs.stores.blobs import BlobStore
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.models import DocumentRow, RevisionRow

# A content may be replaced between the look at its row and the one at its file: then both look again.
LOOKS = 3


@dataclass(frozen=True)
class Original:
    path: Path
    file_name: str
    media_type: str


class Originals:
    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def open(self, subject: Subject, document_id: UUID) -> Original:
        """The file of the content that is served; 404 where the subject may not read it or none was kept."""
        for _ in range(LOOKS):
            async with self._database.transaction() as session:
                document = await repository.document_of(session, subject, document_id)
                revision = original_of(document, await repository.revisions_of(session, document_id))
            if revision is None:
                break
            try:
                path = await self._blobs.local_path(subject.organization_id, revision.sha256)
            except FileNotFoundError:
                continue
            return Original(path, revision.file_name, revision.media_type)
        raise not_found("original of the document", document_id)


def original_of(document: DocumentRow, revisions: Sequence[RevisionRow]) -> RevisionRow | None:
    """The revision that is served; before one is, the newest that the document's access already takes account of."""
    rows = sorted(revisions, key=lambda row: row.number)
    served = [row for row in rows if row.id == document.served_revision]
    counted = [row for row in rows if row.status != "accepting"]
    return next(iter(served or counted[-1:] or rows[:1]), None)
