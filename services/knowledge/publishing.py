"""What a document's rows say once a content of it was read, or failed."""

from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.knowledge import DocumentStatus
from services.knowledge import queue
from services.knowledge.access import columns_of, narrower
from services.knowledge.aftermath import give_up
from services.knowledge.catching_up import attributes_of
from services.knowledge.models import DocumentRow, RevisionRow
from services.knowledge.parsing.document import ParseFailure
from services.knowledge.ports import PassageAttributes
from services.knowledge.writing import Prepared


def fail(revision: RevisionRow, document: DocumentRow, failure: ParseFailure) -> None:
    """The document keeps serving what it served before, if anything."""
    revision.status, revision.lease = "failed", None
    document.status = DocumentStatus.FAILED
    document.error_code, document.error_message = failure.code, failure.message


def said(revision: RevisionRow, document: DocumentRow) -> tuple[str | None, PassageAttributes]:
    return revision.title, attributes_of(revision, document.owner_id)


def serve(one: Prepared, revision: RevisionRow, document: DocumentRow) -> None:
    assert revision.lease is not None  # noqa: S101 - it is held
    document.served_version = queue.version_of(revision.lease, revision.id)
    revision.status, revision.lease = "completed", None
    document.served_revision = revision.id
    document.title, document.category, document.tags = revision.title or one.title, revision.category, revision.tags
    document.custom, document.source = revision.custom, revision.source
    revision.content_language, revision.content_date = one.revision.content_language, one.revision.content_date
    document.language = revision.language or revision.content_language
    document.dated_at = revision.dated_at or revision.content_date
    document.collection_id = revision.collection_id
    document.access, document.group_ids = revision.access, revision.group_ids
    document.media_type, document.size_bytes = revision.media_type, revision.size_bytes
    document.chunk_count, document.warnings = len(one.chunks), [*one.warnings]
    document.status, document.error_code, document.error_message = DocumentStatus.COMPLETED, None, None


async def settle_others(
    session: AsyncSession, revision: RevisionRow, document: DocumentRow, revisions: list[RevisionRow]
) -> None:
    """Older contents are given up, but for the one still served; newer ones keep the document pending and narrowed.

    `revisions` are the document's, and lose what is given up.
    """
    for other in [*revisions]:
        if other.number > revision.number and other.status in ("pending", "processing"):
            document.status, document.error_code, document.error_message = DocumentStatus.PENDING, None, None
            document.access, document.group_ids = narrower(columns_of(document), columns_of(other))
        elif other.number < revision.number and (
            other.id != document.served_revision or revision.status == "completed"
        ):
            session.add(give_up(other, counted=other.status != "accepting"))
            await session.delete(other)
            revisions.remove(other)
