"""Changing what is said of a document: counts with the next query, for the content that is served and those that wait.

Nothing is read or embedded again; a new title is found by its words at once, and by its meaning after a re-index.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from libs.contracts.identity import Subject
from libs.contracts.knowledge import Document
from libs.contracts.lifecycle import DocumentChanges
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.access import INHERITED, left_access, require_manager, require_own_groups, stored_access
from services.knowledge.catching_up import RELAY_AFTER, IndexCatchUp, behind
from services.knowledge.documents import Shower
from services.knowledge.groups import Groups
from services.knowledge.models import CollectionRow, DocumentRow, RevisionRow


class Changes:
    def __init__(self, database: Database, catch_up: IndexCatchUp, shower: Shower, groups: Groups) -> None:
        self._database = database
        self._catch_up = catch_up
        self._shower = shower
        self._groups = groups

    async def change(self, subject: Subject, document_id: UUID, changes: DocumentChanges) -> Document:
        """Raises 404, 403, and 422 for a collection or a group that isn't the subject's."""
        require_own_groups(subject, changes.access)
        await self._groups.require(subject, [changes.access])
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            document = await repository.document_of(session, subject, document_id)
            require_manager(subject, document)
            if changes.collection_id != document.collection_id:
                await repository.require_collection(session, subject, changes.collection_id)
            revisions = await repository.revisions_of(session, document_id)
            rows = [document, *revisions]
            collections = await repository.collections_of(session, rows)
            for row in rows:
                _change(row, changes, collections)
            _change_dating(document, revisions, changes)
            await repository.bump_knowledge_version(session, subject.organization_id)
            message = behind(document, RELAY_AFTER)
            session.add(message)
            await session.flush()
            await session.refresh(document)
            shown = await self._shower.show(session, [document])
        await self._catch_up.now(message)
        return shown[0]


def _change(
    row: DocumentRow | RevisionRow, changes: DocumentChanges, collections: Mapping[UUID, CollectionRow]
) -> None:
    said = changes.model_fields_set
    if "title" in said:
        row.title = changes.title
    if "category" in said:
        row.category = changes.category
    if "tags" in said:
        row.tags = changes.tags or []
    if "metadata" in said:
        row.custom = changes.metadata or {}
    if "source" in said:
        row.source = changes.source
    if "access" in said:
        row.access, row.group_ids = stored_access(changes.access)
    elif "collection_id" in said and changes.collection_id is None and row.access == INHERITED:
        left = left_access(row.collection_id, collections)
        row.access, row.group_ids = left["access"], left["group_ids"]
    if "collection_id" in said:
        row.collection_id = changes.collection_id


def _change_dating(document: DocumentRow, revisions: Sequence[RevisionRow], changes: DocumentChanges) -> None:
    """What isn't stated any more is as the content tells: the served one, else the newest."""
    said = changes.model_fields_set
    for revision in revisions:
        if "language" in said:
            revision.language = changes.language
        if "date" in said:
            revision.dated_at = changes.date
    content = max(revisions, key=lambda row: (row.id == document.served_revision, row.number), default=None)
    if "language" in said:
        document.language = changes.language or (content.content_language if content else None)
    if "date" in said:
        document.dated_at = changes.date or (content.content_date if content else document.created_at)
