"""What is left over: passages that nothing serves, deleted documents, uploads that a crash cut in half."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select

from libs.contracts.errors import FootnoteError
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge.models import DocumentRow, OrganizationRow, RevisionRow
from services.knowledge.ports import PassageIndex
from services.knowledge.queue import version_of
from services.knowledge.uploads import Uploads

log = get_logger(__name__)

BATCH = 100
# Longer than an upload usually waits for billing's answer; asking twice counts once.
HALF_ACCEPTED_AFTER = timedelta(seconds=10)


class Purger:
    def __init__(self, database: Database, index: PassageIndex, uploads: Uploads) -> None:
        self._database = database
        self._index = index
        self._uploads = uploads
        self._clean: dict[UUID, int] = {}

    async def sweep_changed(self) -> None:
        """Sweeps every organisation whose knowledge changed since its last sweep; all of them the first time.

        The first sweep finds what a process that was killed left behind.
        """
        async with self._database.transaction() as session:
            rows = await session.execute(select(OrganizationRow.organization_id, OrganizationRow.knowledge_version))
            versions = {row.organization_id: row.knowledge_version for row in rows}
        for organization_id, version in versions.items():
            if self._clean.get(organization_id) != version:
                await self.sweep(organization_id)
                await self._index.maintain(organization_id)
                self._clean[organization_id] = version

    async def sweep(self, organization_id: UUID) -> None:
        """Removes passages that are neither served nor being written, then the rows of deleted documents."""
        indexed = await self._index.versions(organization_id)
        async with self._database.transaction() as session:
            # After the index was listed: whatever was being written then is in the queue or served by now.
            served = await session.scalars(
                select(DocumentRow.served_version).where(
                    DocumentRow.organization_id == organization_id, DocumentRow.deleted_at.is_(None)
                )
            )
            written = await session.execute(
                select(RevisionRow.lease, RevisionRow.id).where(
                    RevisionRow.organization_id == organization_id, RevisionRow.status == "processing"
                )
            )
            deleted = await session.scalars(
                select(DocumentRow.id).where(
                    DocumentRow.organization_id == organization_id, DocumentRow.deleted_at.is_not(None)
                )
            )
            gone = list(deleted)
            living = set(served) | {version_of(row.lease, row.id) for row in written if row.lease}
        await self._index.remove(organization_id, sorted(indexed - living))
        if gone:
            async with self._database.transaction() as session:
                await session.execute(delete(DocumentRow).where(DocumentRow.id.in_(gone)))

    async def finish_half_accepted(self) -> None:
        """Counts the storage of uploads whose process ended before it could, or that came while billing was away."""
        query = select(RevisionRow).where(
            RevisionRow.status == "accepting", RevisionRow.created_at < func.now() - HALF_ACCEPTED_AFTER
        )
        async with self._database.transaction() as session:
            half = list(await session.scalars(query.order_by(RevisionRow.created_at).limit(BATCH)))
        for revision in half:
            try:
                await self._uploads.finish(revision)
            except FootnoteError as error:
                log.warning("upload not counted yet", revision_id=str(revision.id), reason=error.message)
                return
