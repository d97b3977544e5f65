"""What an answer depends on besides its question: how far the knowledge has moved, and what its reader may read."""

import hashlib
from collections import OrderedDict
from uuid import UUID

from sqlalchemy import Select, and_, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.identity import Subject
from libs.contracts.knowledge import Standing
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.access import GROUPS, INHERITED, ORGANIZATION, PUBLIC, is_guest, readers_of
from services.knowledge.models import CollectionRow, DocumentRow

REMEMBERED = 10_000
# A version that moves while the readers are looked up is looked up again.
LOOKS = 3
_OPEN_TO_ALL = (ORGANIZATION, PUBLIC)


class Standings:
    """Tells versions and access keys.

    Readers of one access key and one version may read exactly the same documents: it is made of what the one rule in
    `access` looks at, without the owners and groups that make no difference to any document.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[tuple[UUID, tuple[str, ...], int], str] = OrderedDict()

    async def of(self, subject: Subject) -> Standing:
        names = readers_of(subject)
        async with self._database.transaction() as session:
            version = await repository.knowledge_version(session, subject.organization_id)
            for _ in range(LOOKS):
                known = self._known.get((subject.organization_id, names, version))
                if known:
                    return Standing(knowledge_version=version, access_key=known)
                key = _digest(await _telling(session, subject))
                before, version = version, await repository.knowledge_version(session, subject.organization_id)
                if before == version:
                    self._remember((subject.organization_id, names, version), key)
                    return Standing(knowledge_version=version, access_key=key)
        return Standing(knowledge_version=version, access_key=_digest(names))

    def _remember(self, reader: tuple[UUID, tuple[str, ...], int], key: str) -> None:
        self._known[reader] = key
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


async def _telling(session: AsyncSession, subject: Subject) -> tuple[str, ...]:
    """The reader's names that open a document to them which isn't open to everybody."""
    if is_guest(subject):
        return readers_of(subject)
    owns = or_(_owned_documents(subject).exists(), _owned_collections(subject).exists())
    own = [f"user:{subject.user_id}"] if await session.scalar(select(owns)) else []
    groups = await session.scalars(_named_groups(subject)) if subject.groups else ()
    return (ORGANIZATION, *own, *sorted(f"group:{group}" for group in groups))


def _owned_documents(subject: Subject) -> Select[UUID]:
    open_collections = select(CollectionRow.id).where(
        CollectionRow.organization_id == subject.organization_id, CollectionRow.access.in_(_OPEN_TO_ALL)
    )
    inherits_openly = and_(
        DocumentRow.access == INHERITED,
        or_(DocumentRow.collection_id.is_(None), DocumentRow.collection_id.in_(open_collections)),
    )
    return select(DocumentRow.id).where(
        DocumentRow.organization_id == subject.organization_id,
        DocumentRow.deleted_at.is_(None),
        DocumentRow.owner_id == subject.user_id,
        ~or_(DocumentRow.access.in_(_OPEN_TO_ALL), inherits_openly),
    )


def _owned_collections(subject: Subject) -> Select[UUID]:
    return select(CollectionRow.id).where(
        CollectionRow.organization_id == subject.organization_id,
        CollectionRow.owner_id == subject.user_id,
        CollectionRow.access.not_in(_OPEN_TO_ALL),
    )


def _named_groups(subject: Subject) -> Select[UUID]:
    """The reader's groups to which some document or collection is open."""
    mine = sorted(subject.groups)
    named = [
        select(func.unnest(table.group_ids).label("group_id")).where(
            table.organization_id == subject.organization_id,
            table.access == GROUPS,
            table.group_ids.overlap(mine),
            DocumentRow.deleted_at.is_(None) if table is DocumentRow else ~false(),
        )
        for table in (DocumentRow, CollectionRow)
    ]
    every = named[0].union(named[1]).subquery()
    return select(every.c.group_id).where(every.c.group_id.in_(mine))


def _digest(names: tuple[str, ...]) -> str:
    return hashlib.sha256("\x00".join(names).encode()).hexdigest()
