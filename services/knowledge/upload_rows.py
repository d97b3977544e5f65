"""The rows of uploads: of each its document, a new one or the one it replaces, and its content that waits."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import DocumentAttributes, DocumentStatus
from services.knowledge import repository
from services.knowledge.access import INHERITED, left_access, require_manager, stored_access
from services.knowledge.models import DocumentRow, RevisionRow
from services.knowledge.parsing.media_types import MediaType
from services.knowledge.sources.exclusions import require_admitted


@dataclass(frozen=True)
class Upload:
    """A document on its way in: what is said of it, and its bytes. `title` None leaves it to the file.

    `modified_at` is what its store says, for a file that doesn't tell its own date.
    """

    attributes: DocumentAttributes
    title: str | None
    file_name: str
    head: bytes
    content: AsyncIterator[bytes]
    modified_at: datetime | None = None


@dataclass(frozen=True)
class Stored:
    """An upload whose bytes are kept as `sha256`."""

    upload: Upload
    media_type: MediaType
    sha256: str
    size: int


async def write_rows(session: AsyncSession, subject: Subject, stored: Sequence[Stored]) -> list[RevisionRow]:
    """The revisions that wait to be counted, in the uploads' order, with the documents that are new.

    Under the organisation's lock; no two uploads have the same external_id. Raises 422, 403, 409 for
    an external_id of a document that the subject can't read, and StaysDeletedError for one that its source lost.
    """
    for collection_id in {one.upload.attributes.collection_id for one in stored}:
        await repository.require_collection(session, subject, collection_id)
    names = [one.upload.attributes.external_id for one in stored if one.upload.attributes.external_id]
    await require_admitted(session, names)
    replaced = await replaceable(session, subject, names)
    formers = await repository.revisions_of_each(session, [row.id for row in replaced.values()]) if replaced else {}
    revisions: list[RevisionRow] = []
    for one in stored:
        said = _said(one.upload)
        document = replaced.get(one.upload.attributes.external_id or "")
        former: Sequence[RevisionRow] = ()
        if document:
            former = formers[document.id]
            said = await _unchanged(session, document, former, one.sha256, said) | said
        else:
            document = _new_document(subject, one, said)
            session.add(document)
        number = max((row.number for row in former), default=0) + 1
        revisions.append(_revision(document, number, one, said))
    # First the documents, which the revisions name.
    await session.flush()
    session.add_all(revisions)
    return revisions


async def replaceable(session: AsyncSession, subject: Subject, external_ids: Sequence[str]) -> dict[str, DocumentRow]:
    """The documents that uploads under these names replace, by name; a name that is free is missing.

    Raises 409 for one that the subject can't read, also for an admin: replacing a content that they can't see would
    destroy it unseen. Raises 403 for one that isn't theirs to replace.
    """
    if not external_ids:
        return {}
    replaced = await repository.with_external_ids(session, subject.organization_id, external_ids)
    open_to_them = await repository.open_to(session, subject, [row.id for row in replaced.values()]) if replaced else ()
    for external_id, row in replaced.items():
        if row.id not in open_to_them:
            message = f"The external_id {external_id!r} is taken. Choose another."
            raise FootnoteError(ErrorCode.CONFLICT, message, 409)
        require_manager(subject, row)
    return replaced


def _new_document(subject: Subject, stored: Stored, said: dict[str, Any]) -> DocumentRow:
    upload = stored.upload
    dated_at = upload.attributes.date or upload.modified_at
    columns = _UNSAID | said | {"title": upload.title or upload.file_name, "dated_at": dated_at}
    if dated_at is None:
        del columns["dated_at"]  # the table's own: now
    return DocumentRow(
        id=uuid4(),
        organization_id=subject.organization_id,
        owner_id=subject.user_id,
        external_id=upload.attributes.external_id,
        status=DocumentStatus.PENDING,
        media_type=stored.media_type,
        size_bytes=stored.size,
        **columns,
    )


def _revision(document: DocumentRow, number: int, stored: Stored, said: dict[str, Any]) -> RevisionRow:
    upload = stored.upload
    return RevisionRow(
        id=uuid4(),
        document_id=document.id,
        organization_id=document.organization_id,
        number=number,
        sha256=stored.sha256,
        size_bytes=stored.size,
        file_name=upload.file_name,
        media_type=stored.media_type,
        status="accepting",
        **_UNSAID | ({"content_date": upload.modified_at} if upload.modified_at else {}) | said,
    )


_UNSAID: dict[str, Any] = {
    "title": None,
    "category": None,
    "tags": [],
    "collection_id": None,
    "access": INHERITED,
    "group_ids": [],
    "custom": {},
    "source": None,
    "language": None,
    "dated_at": None,
}


def _said(upload: Upload) -> dict[str, Any]:
    """The columns of what an upload says of its document, and of nothing else."""
    attributes = upload.attributes
    said = {name: getattr(attributes, name) for name in attributes.model_fields_set & _UNSAID.keys()}
    if "metadata" in attributes.model_fields_set:
        said["custom"] = attributes.metadata
    if "date" in attributes.model_fields_set:
        said["dated_at"] = attributes.date
    if attributes.access is not None:
        said["access"], said["group_ids"] = stored_access(attributes.access)
    elif "access" in said:
        said["access"], said["group_ids"] = INHERITED, []
    return said | ({"title": upload.title} if upload.title else {})


async def _unchanged(
    session: AsyncSession,
    document: DocumentRow,
    revisions: Sequence[RevisionRow],
    sha256: str,
    said: dict[str, Any],
) -> dict[str, Any]:
    """What stays as it was for a new content that doesn't say otherwise: silence never opens a document.

    A date was stated of those bytes only: others are as old as they say themselves.
    """
    newest = max(revisions, key=lambda row: row.number, default=None)
    former = {name: getattr(newest or document, name) for name in _UNSAID}
    if newest and newest.sha256 == sha256:
        former["content_date"] = newest.content_date
    else:
        former["dated_at"] = None
    if "collection_id" in said and said["collection_id"] is None and former["access"] == INHERITED:
        collections = await repository.collections_of(session, [newest or document])
        former |= left_access(former["collection_id"], collections)
    return former
