"""Reading documents again: their contents are lined up once more and stay served until they are replaced."""

from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import DocumentAccepted, DocumentStatus, SearchFilters
from libs.contracts.lifecycle import ReindexAccepted
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.access import readable, require_manager
from services.knowledge.filtering import matching
from services.knowledge.models import DocumentRow, RevisionRow


class Reindexing:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def one(self, subject: Subject, document_id: UUID) -> DocumentAccepted:
        """One that waits already just goes on waiting. Raises 409 where no file was kept."""
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            document = await repository.document_of(session, subject, document_id)
            require_manager(subject, document)
            if not await repository.revisions_of(session, document_id):
                raise FootnoteError(
                    ErrorCode.CONFLICT,
                    f"No file of the document {document.title!r} was kept. Upload it again.",
                    409,
                )
            await _line_up(session, DocumentRow.id == document_id)
            await session.refresh(document)
            return DocumentAccepted(document_id=document_id, status=DocumentStatus(document.status))

    async def all(self, subject: Subject, filters: SearchFilters) -> ReindexAccepted:
        """Of the whole organisation, for an admin; counted are those that the admin may read."""
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            of_organization = DocumentRow.organization_id == subject.organization_id
            waiting = await _line_up(session, of_organization, *matching(filters))
            shown = select(func.count()).where(readable(subject), DocumentRow.id.in_(waiting))
            return ReindexAccepted(documents=await session.scalar(shown) or 0)


async def _line_up(session: AsyncSession, *conditions: ColumnElement[bool]) -> set[UUID]:
    """The documents that wait from now on; behind whatever is new."""
    documents = select(DocumentRow.id).where(DocumentRow.deleted_at.is_(None), *conditions)
    done = RevisionRow.status.in_(["completed", "failed"])
    lined_up = await session.scalars(
        update(RevisionRow)
        .where(RevisionRow.document_id.in_(documents), done)
        .values(status="pending", lease_until=None, waits_for=None, attempts=0, again=True)
        .returning(RevisionRow.document_id)
    )
    waiting = set(lined_up)
    await session.execute(
        update(DocumentRow)
        .where(DocumentRow.id.in_(waiting))
        .values(status=DocumentStatus.PENDING, error_code=None, error_message=None)
    )
    return waiting
