"""Index rows brought up to what the system of record says of their document.

A change is committed there first, with a message in the outbox; then index rows follow, before the request returns.
Were the process to end in between, the outbox's relay does it. Until then the recheck keeps back what was closed.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from libs.events.outbox import Deliver
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge import repository
from services.knowledge.access import readers_for
from services.knowledge.embedding_switch import indexes
from services.knowledge.metadata import facts
from services.knowledge.models import DocumentRow, OutboxRow, RevisionRow
from services.knowledge.ports import PassageAttributes, PassageIndex

log = get_logger(__name__)

INDEX_BEHIND = "index-behind"
# The request itself is quicker; the relay is for when it couldn't.
RELAY_AFTER = timedelta(seconds=5)
# An organisation's index may be being rewritten.
WAIT_S = 10.0


def behind(document: DocumentRow, after: timedelta = timedelta(0)) -> OutboxRow:
    """To be added in the transaction that changes what is said of the document."""
    payload = {"organization_id": str(document.organization_id), "document_id": str(document.id)}
    return OutboxRow(topic=INDEX_BEHIND, payload=payload, due_at=func.now() + after)


def attributes_of(row: DocumentRow | RevisionRow, owner_id: UUID) -> PassageAttributes:
    """What index rows say of a document, or of one of its contents."""
    if isinstance(row, RevisionRow):
        language, dated_at = row.language or row.content_language, row.dated_at or row.content_date
    else:
        language, dated_at = row.language, row.dated_at
    return PassageAttributes(
        readers=readers_for(row.access, row.group_ids, owner_id, row.collection_id),
        dated_at=dated_at,
        media_type=row.media_type,
        category=row.category,
        tags=tuple(row.tags),
        language=language,
        source=row.source,
        collection_id=row.collection_id,
        facts=facts(row.custom),
    )


def indexed_as(row: DocumentRow) -> tuple[UUID, str, PassageAttributes] | None:
    """The version that is served and what index rows are to say of it; None where nothing is served."""
    if row.purged_at or row.served_version is None:
        return None
    attributes = attributes_of(row, row.owner_id)
    if row.deleted_at:
        # Nobody reads what lies in the bin: it must not fill up lists of candidates.
        attributes = replace(attributes, readers=())
    return row.served_version, row.title, attributes


class IndexCatchUp:
    def __init__(self, database: Database, index: PassageIndex) -> None:
        self._database = database
        self._index = index

    async def now(self, message: OutboxRow) -> None:
        """What `message` says, and the message is settled. Where the index can't, it stays for the relay."""
        try:
            async with asyncio.timeout(WAIT_S):
                await self.deliveries()[INDEX_BEHIND](message.payload)
        except Exception as error:  # noqa: BLE001 - the change itself is made
            log.warning("index follows later", error=str(error), **message.payload)
            return
        async with self._database.transaction() as session:
            await session.execute(delete(OutboxRow).where(OutboxRow.id == message.id))

    def deliveries(self) -> dict[str, Deliver]:
        async def index_behind(payload: dict[str, Any]) -> None:
            await self._follow(UUID(payload["organization_id"]), UUID(payload["document_id"]))

        return {INDEX_BEHIND: index_behind}

    async def _follow(self, organization_id: UUID, document_id: UUID) -> None:
        """Until what was written is what holds: two changes at once may write in either order."""
        said = await self._served(document_id)
        while said is not None:
            for index in await indexes.all_of(self._database, self._index, organization_id):
                await index.update(organization_id, *said)
            written, said = said, await self._served(document_id)
            if written == said:
                break
        async with self._database.transaction() as session:
            # Whoever looked between the change and now may have remembered the old finds for the new version.
            await repository.lock_organization(session, organization_id)
            await repository.bump_knowledge_version(session, organization_id)

    async def _served(self, document_id: UUID) -> tuple[UUID, str, PassageAttributes] | None:
        query = select(DocumentRow).where(DocumentRow.id == document_id)
        async with self._database.transaction() as session:
            row = await session.scalar(query)
        return indexed_as(row) if row else None
