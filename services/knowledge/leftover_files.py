"""Files that nothing names: stored by a process that was killed before it wrote the row that would name them."""

from datetime import timedelta

from libs.stores.blobs import BlobStore
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge.aftermath import discard_unused, unnamed

log = get_logger(__name__)

# Between a file's last byte and the row that names it lie one lock and one transaction, which the database ends within
# half a minute; a half-written one grows, or its request has ended.
SETTLED_AFTER = timedelta(hours=1)


class LeftoverFiles:
    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def sweep(self) -> None:
        """Deletes the files that have had no name for `SETTLED_AFTER`, finished and half written ones."""
        removed = await self._blobs.discard_unfinished(SETTLED_AFTER)
        async for organization_id, stored in self._blobs.stored_before(SETTLED_AFTER):
            async with self._database.transaction() as session:
                without_a_name = await unnamed(session, organization_id, stored)
            if without_a_name:
                # Looks again, with no upload between storing and naming.
                removed += await discard_unused(self._database, self._blobs, organization_id, without_a_name)
        if removed:
            log.info("files without a name removed", files=removed)
