"""Who may read a document: the one rule, as a condition on rows and as the readers that an index row names.

A document's own access holds; one that has none (`inherited`) has its collection's, and outside of a collection the
whole organisation may read it. An index row names a collection, not its readers: a collection that is opened or closed
changes no index row.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, true

from libs.contracts.errors import ErrorCode, FootnoteError, forbidden
from libs.contracts.identity import Role, Subject
from libs.contracts.knowledge import Access, GroupAccess
from services.knowledge.models import CollectionRow, DocumentRow, RevisionRow

ORGANIZATION = "organization"
PRIVATE = "private"
GROUPS = "groups"
INHERITED = "inherited"


class AccessColumns(NamedTuple):
    """A row's access as it is stored."""

    access: str
    group_ids: Sequence[UUID] = ()
    collection_id: UUID | None = None


def columns_of(row: DocumentRow | RevisionRow) -> AccessColumns:
    return AccessColumns(row.access, row.group_ids, row.collection_id)


def readable(subject: Subject) -> ColumnElement[bool]:
    """Every query over documents starts here: the subject's tenant, not deleted, and open to the subject."""
    return and_(DocumentRow.deleted_at.is_(None), _open_document(subject))


def restorable(subject: Subject) -> ColumnElement[bool]:
    """The documents in the bin that the subject may bring back."""
    managed = true() if is_admin(subject) else DocumentRow.owner_id == subject.user_id
    in_bin = and_(DocumentRow.deleted_at.is_not(None), DocumentRow.purged_at.is_(None))
    return and_(in_bin, managed, _open_document(subject))


def open_collection(subject: Subject) -> ColumnElement[bool]:
    """The subject's tenant's collections whose inheriting documents are open to the subject."""
    return and_(CollectionRow.organization_id == subject.organization_id, _open(CollectionRow, subject))


def manageable_collection(subject: Subject) -> ColumnElement[bool]:
    """Those that the subject may see and change: their own, for owners and admins all that are open to them."""
    mine = and_(CollectionRow.organization_id == subject.organization_id, CollectionRow.owner_id == subject.user_id)
    return open_collection(subject) if is_admin(subject) else mine


def _open_document(subject: Subject) -> ColumnElement[bool]:
    collections = select(CollectionRow.id).where(open_collection(subject))
    inherited = or_(DocumentRow.collection_id.is_(None), DocumentRow.collection_id.in_(collections))
    return and_(
        DocumentRow.organization_id == subject.organization_id,
        or_(_open(DocumentRow, subject), and_(DocumentRow.access == INHERITED, inherited)),
    )


def _open(table: type[DocumentRow | CollectionRow], subject: Subject) -> ColumnElement[bool]:
    return or_(
        table.access == ORGANIZATION,
        table.owner_id == subject.user_id,
        and_(table.access == GROUPS, table.group_ids.overlap(sorted(subject.groups))),
    )


def readers_of(subject: Subject, collections: Iterable[UUID] = ()) -> tuple[str, ...]:
    """The names under which index rows may be open to the subject; `collections` are those open to them."""
    groups = sorted(f"group:{group}" for group in subject.groups)
    inherited = sorted(f"collection:{collection}" for collection in collections)
    return (ORGANIZATION, f"user:{subject.user_id}", *groups, *inherited)


def readers_for(
    access: str, group_ids: Sequence[UUID], owner_id: UUID, collection_id: UUID | None = None
) -> tuple[str, ...]:
    """The names that index rows of such access carry."""
    if access == INHERITED and collection_id:
        return (f"user:{owner_id}", f"collection:{collection_id}")
    if access in (ORGANIZATION, INHERITED):
        return (ORGANIZATION,)
    groups = [f"group:{group}" for group in group_ids] if access == GROUPS else []
    return (f"user:{owner_id}", *groups)


def narrower(served: AccessColumns, coming: AccessColumns) -> tuple[str, list[UUID]]:
    """The columns `access` and `group_ids` that let in only whom both let in, in the collection of `served`."""
    one, other = _normalized(served), _normalized(coming)
    if INHERITED in (one.access, other.access):
        if one == other or other.access == ORGANIZATION:
            return served.access, list(served.group_ids)
        if one.access == ORGANIZATION and other.collection_id == served.collection_id:
            return INHERITED, []
        return PRIVATE, []
    for access, rest in ((one, other), (other, one)):
        if access.access == ORGANIZATION:
            return rest.access, list(rest.group_ids)
    shared = sorted(set(one.group_ids) & set(other.group_ids))
    return (GROUPS, shared) if shared else (PRIVATE, [])


def _normalized(columns: AccessColumns) -> AccessColumns:
    """What is inherited from no collection is the organisation's; what isn't inherited knows no collection."""
    if columns.access != INHERITED:
        return AccessColumns(columns.access, tuple(columns.group_ids))
    return columns._replace(group_ids=()) if columns.collection_id else AccessColumns(ORGANIZATION)


def is_admin(subject: Subject) -> bool:
    return subject.role in (Role.OWNER, Role.ADMIN)


def may_manage(subject: Subject, document: DocumentRow) -> bool:
    """Change, replace or delete: the document's owner, and the organisation's owners and admins."""
    return document.owner_id == subject.user_id or is_admin(subject)


def require_manager(subject: Subject, document: DocumentRow) -> None:
    if not may_manage(subject, document):
        raise forbidden("Only the document's owner or an admin of your organisation may change it.")


def stored_access(access: Access | None) -> tuple[str, list[UUID]]:
    """The columns `access` and `group_ids`."""
    if access is None:
        return INHERITED, []
    return (GROUPS, list(access.groups)) if isinstance(access, GroupAccess) else (access, [])


def shown_access(access: str, group_ids: Sequence[UUID]) -> Access:
    """Of columns that hold by themselves: resolve what is inherited first."""
    if access == GROUPS:
        return GroupAccess(groups=list(group_ids))
    return PRIVATE if access == PRIVATE else ORGANIZATION


def left_access(collection_id: UUID | None, collections: Mapping[UUID, CollectionRow]) -> dict[str, Any]:
    """The columns of a document that inherited its access and leaves its collection: what held goes on holding."""
    collection = collections.get(collection_id) if collection_id else None
    if collection is None:
        return {"access": INHERITED, "group_ids": []}
    return {"access": collection.access, "group_ids": list(collection.group_ids)}


def require_own_groups(subject: Subject, access: Access | None) -> None:
    """A member opens documents to groups they are in; owners and admins to any of the organisation's."""
    if not isinstance(access, GroupAccess) or is_admin(subject):
        return
    foreign = sorted(str(group) for group in set(access.groups) - subject.groups)
    if foreign:
        raise FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"You aren't in the group {foreign[0]!r}. Choose groups that you are in.",
            422,
            {"fields": [{"field": "access.groups", "message": "not a group of yours"}]},
        )
