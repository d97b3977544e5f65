"""What follows from giving up a content: billing is told, files that nothing names any more go.

Both travel through the outbox, so that a crash between two steps loses neither.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from libs.clients.billing import BillingClient
from libs.contracts.billing import StorageChange
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.events.outbox import Deliver
from libs.stores.blobs import BlobStore
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.models import OutboxRow, RevisionRow

CONTENT_GIVEN_UP = "content-given-up"


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

    return {CONTENT_GIVEN_UP: content_given_up}


async def discard_unused(database: Database, blobs: BlobStore, organization_id: UUID, hashes: Iterable[str]) -> None:
    """Deletes those of the files that no revision of the organisation names.

    Under the organisation's lock, which an upload holds while it writes the rows that name its files.
    """
    async with database.transaction() as session:
        await repository.lock_organization(session, organization_id)
        named = select(RevisionRow.sha256).where(
            RevisionRow.organization_id == organization_id, RevisionRow.sha256.in_(set(hashes))
        )
        for sha256 in set(hashes) - set(await session.scalars(named)):
            await blobs.delete(organization_id, sha256)
