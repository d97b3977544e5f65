"""The private documents of members who left: nobody reads them, so that they go to the bin and then the way of all."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from libs.clients.auth import AuthClient
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.knowledge import SOURCE_PREFIX
from libs.contracts.organizations import MEMBERS_PER_CHECK
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge import queue, repository
from services.knowledge.access import PRIVATE
from services.knowledge.catching_up import behind
from services.knowledge.models import DocumentRow, RevisionRow

log = get_logger(__name__)

BATCH = 100


class Departures:
    """Asks auth again and again, so that a removal needs no message that could get lost.

    Whoever is a member again restores what is in the bin still.
    """

    def __init__(self, database: Database, auth: AuthClient) -> None:
        self._database = database
        self._auth = auth

    async def sweep(self) -> None:
        """Raises what auth's client raises; what was done by then stays."""
        query = select(DocumentRow.organization_id, DocumentRow.owner_id).where(_owners_alone()).distinct()
        owners: defaultdict[UUID, list[UUID]] = defaultdict(list)
        async with self._database.transaction() as session:
            for row in await session.execute(query):
                owners[row.organization_id].append(row.owner_id)
        for organization_id, users in owners.items():
            for start in range(0, len(users), MEMBERS_PER_CHECK):
                asked = users[start : start + MEMBERS_PER_CHECK]
                try:
                    members = await self._auth.members_among(organization_id, asked)
                except FootnoteError as error:
                    # An organisation that auth doesn't know at all: nothing is certain about its members.
                    if error.code is not ErrorCode.NOT_FOUND:
                        raise
                    break
                for user_id in set(asked) - members:
                    await self._put_in_bin(organization_id, user_id)

    async def _put_in_bin(self, organization_id: UUID, user_id: UUID) -> None:
        theirs = and_(DocumentRow.organization_id == organization_id, DocumentRow.owner_id == user_id, _owners_alone())
        count, size = 0, 0
        while True:
            async with self._database.transaction() as session:
                await repository.lock_organization(session, organization_id)
                documents = list(await session.scalars(select(DocumentRow).where(theirs).limit(BATCH)))
                for document in documents:
                    document.deleted_at = func.now()
                    await queue.withdraw(session, document.id)
                    session.add(behind(document))
                    size += document.size_bytes
                if documents:
                    await repository.bump_knowledge_version(session, organization_id)
            count += len(documents)
            if len(documents) < BATCH:
                break
        log.info(
            "documents.owner_left",
            audit=True,
            organization_id=str(organization_id),
            owner_id=str(user_id),
            documents=count,
            size_bytes=size,
        )


def _owners_alone() -> ColumnElement[bool]:
    """Living documents of which every content is its owner's alone; a source's are the source's to keep or delete."""
    shared = exists().where(RevisionRow.document_id == DocumentRow.id, RevisionRow.access != PRIVATE)
    no_sources = or_(DocumentRow.external_id.is_(None), ~DocumentRow.external_id.startswith(SOURCE_PREFIX))
    return and_(DocumentRow.access == PRIVATE, DocumentRow.deleted_at.is_(None), no_sources, ~shared)
