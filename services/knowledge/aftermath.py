"""What follows from giving up a content: billing is told, files that nothing names any more go.

Both travel through the outbox, so that a crash between two steps loses neither.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import String, any_, delete, func, literal, select, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from libs.clients.billing import BillingClient
from libs.contracts.billing import StorageChange
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.events.outbox import Deliver
from libs.stores.blobs import BlobStore
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.models import DocumentRow, ExportRow, OutboxRow, RevisionRow, TextRow
from services.knowledge.sources.models import PartialUploadRow

CONTENT_GIVEN_UP = "content-given-up"
FILE_GIVEN_UP = "file-given-up"
# So many files aren't all lost where the others are there.
SAMPLE = 20


def kept(revision: RevisionRow) -> StorageChange:
    """The revision's bytes as billing counts them; asked twice, they count once."""
    return StorageChange(
        event_id=f"revision:{revision.id}:kept",
        organization_id=revision.organization_id,
        delta_bytes=revision.size_bytes,
    )


def give_up(revision: RevisionRow, *, counted: bool) -> OutboxRow:
    """To be added in the transaction that ends the revision. Not `counted`: billing may or may not have counted it."""
    given_up = StorageChange(
        event_id=f"revision:{revision.id}:given-up",
        organization_id=revision.organization_id,
        delta_bytes=-revision.size_bytes,
    )
    payload: dict[str, Any] = {"given_up": given_up.model_dump(mode="json"), "sha256": revision.sha256}
    if not counted:
        payload["kept"] = kept(revision).model_dump(mode="json")
    return OutboxRow(topic=CONTENT_GIVEN_UP, payload=payload)


async def give_up_document(session: AsyncSession, document: DocumentRow) -> None:
    """No query finds it from this transaction on; the row stays, blank, until index rows and files are erased."""
    for revision in await repository.revisions_of(session, document.id):
        session.add(give_up(revision, counted=revision.status != "accepting"))
        await session.delete(revision)
    await session.execute(delete(TextRow).where(TextRow.document_id == document.id))
    # An upload in parts remembers for a day which document it became, and what was said of it.
    await session.execute(delete(PartialUploadRow).where(PartialUploadRow.document_id == document.id))
    packed = ExportRow.document_ids.contains([document.id])
    for export in await session.scalars(select(ExportRow).where(packed)):
        await give_up_export(session, export)
    document.deleted_at = document.purged_at = func.now()
    document.served_version = document.served_revision = None
    document.title, document.external_id, document.category, document.tags = "", None, None, []
    document.custom, document.source, document.language, document.error_message = {}, None, None, None


async def give_up_export(session: AsyncSession, export: ExportRow) -> None:
    if export.sha256:
        payload = {"organization_id": str(export.organization_id), "sha256": export.sha256}
        session.add(OutboxRow(topic=FILE_GIVEN_UP, payload=payload))
    await session.delete(export)


def deliveries(database: Database, blobs: BlobStore, billing: BillingClient) -> dict[str, Deliver]:
    """What the outbox relay does with each topic."""

    async def content_given_up(payload: dict[str, Any]) -> None:
        given_up = StorageChange.model_validate(payload["given_up"])
        await discard_unused(database, blobs, given_up.organization_id, {payload["sha256"]})
        if "kept" in payload:
            try:
                await billing.change_storage(StorageChange.model_validate(payload["kept"]))
            except FootnoteError as error:
                if error.code is ErrorCode.QUOTA_EXCEEDED:
                    return
                raise
        await billing.change_storage(given_up)

    async def file_given_up(payload: dict[str, Any]) -> None:
        await discard_unused(database, blobs, UUID(payload["organization_id"]), {payload["sha256"]})

    return {CONTENT_GIVEN_UP: content_given_up, FILE_GIVEN_UP: file_given_up}


async def discard_unused(database: Database, blobs: BlobStore, organization_id: UUID, hashes: Iterable[str]) -> int:
    """Deletes those of the files that nothing names; returns how many.

    Under the organisation's lock, which an upload holds while it writes the rows that name its files.
    """
    async with database.transaction() as session:
        await repository.lock_organization(session, organization_id)
        unused = await unnamed(session, organization_id, hashes)
        for sha256 in unused:
            await blobs.delete(organization_id, sha256)
    return len(unused)


async def unnamed(session: AsyncSession, organization_id: UUID, hashes: Iterable[str]) -> set[str]:
    """Those of the files that no revision and no export of the organisation names."""
    asked = set(hashes)
    one_of_them = any_(literal(sorted(asked), ARRAY(String)))
    named = union(
        *(
            select(table.sha256).where(table.organization_id == organization_id, table.sha256 == one_of_them)
            for table in (RevisionRow, ExportRow)
        )
    )
    return asked - set(await session.scalars(named))


async def any_served(database: Database) -> bool:
    """Whether any passage is: what the index can't be without."""
    served = select(DocumentRow.id).where(DocumentRow.served_version.is_not(None), DocumentRow.chunk_count > 0)
    async with database.transaction() as session:
        return bool(await session.scalar(select(served.exists())))


async def some_named(database: Database) -> list[tuple[UUID, str]]:
    """(organisation, SHA-256) of some files that revisions name; none where there is no revision."""
    # Ids are random, so these are of any age: the oldest files may be lost together.
    query = select(RevisionRow.organization_id, RevisionRow.sha256).order_by(RevisionRow.id).limit(SAMPLE)
    async with database.transaction() as session:
        return [(row.organization_id, row.sha256) for row in await session.execute(query)]
