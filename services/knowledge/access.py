"""Who may read a document: the one rule, as a condition on rows and as the readers that an index row names.

A document's own access holds; one that has none (`inherited`) has its collection's, and outside of a collection the
whole organisation may read it. An index row names a collection, not its readers: a collection that is opened or closed
changes no index row.

A guest, who holds one of the organisation's share links, reads what is public and nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from libs.contracts.errors import ErrorCode, FootnoteError, forbidden
from libs.contracts.identity import Role, Subject
from libs.contracts.knowledge import Access, GroupAccess
from services.knowledge.models import CollectionRow, DocumentRow, RevisionRow

ORGANIZATION = "organization"
PRIVATE = "private"
PUBLIC = "public"
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
    if is_guest(subject):
        return false()
    managed = true() if is_admin(subject) else DocumentRow.owner_id == subject.user_id
    in_bin = and_(DocumentRow.deleted_at.is_not(None), DocumentRow.purged_at.is_(None))
    return and_(in_bin, managed, _open_document(subject))


def open_collection(subject: Subject) -> ColumnElement[bool]:
    """The subject's tenant's collections whose inheriting documents are open to the subject."""
    of_tenant = CollectionRow.organization_id == subject.organization_id
    if not is_guest(subject):
        return and_(of_tenant, _open(CollectionRow, subject))
    return and_(of_tenant, CollectionRow.access == PUBLIC, _shared(CollectionRow.id, subject))


def manageable_collection(subject: Subject) -> ColumnElement[bool]:
    """Those that the subject may see and change: their own, for owners and admins all that are open to them."""
    mine = and_(CollectionRow.organization_id == subject.organization_id, CollectionRow.owner_id == subject.user_id)
    return open_collection(subject) if is_admin(subject) else mine


def _open_document(subject: Subject) -> ColumnElement[bool]:
    collections = select(CollectionRow.id).where(open_collection(subject))
    if is_guest(subject):
        inherited = and_(
            DocumentRow.access == INHERITED, DocumentRow.collection_id.in_(collections), ~_has_content_for_members()
        )
        return and_(
            DocumentRow.organization_id == subject.organization_id,
            DocumentRow.served_version.is_not(None),
            _shared(DocumentRow.collection_id, subject),
            or_(DocumentRow.access == PUBLIC, inherited),
        )
    inherited = or_(DocumentRow.collection_id.is_(None), DocumentRow.collection_id.in_(collections))
    return and_(
        DocumentRow.organization_id == subject.organization_id,
        or_(_open(DocumentRow, subject), and_(DocumentRow.access == INHERITED, inherited)),
    )


def _has_content_for_members() -> ColumnElement[bool]:
    """One of a document's contents, served or to come, has an access that lets no guest in.

    Beside a public collection `narrower` can't say so in the document's own columns, and whoever opens the collection
    later doesn't look at contents.
    """
    inherits = and_(
        RevisionRow.access == INHERITED, RevisionRow.collection_id.is_not_distinct_from(DocumentRow.collection_id)
    )
    return exists().where(
        RevisionRow.document_id == DocumentRow.id,
        RevisionRow.status != "accepting",
        ~or_(RevisionRow.access == PUBLIC, inherits),
    )


def _shared(
    collection_id: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None], subject: Subject
) -> ColumnElement[bool]:
    """Whether a guest's link leads to a collection's documents."""
    if subject.shared_collections is None:
        return true()
    return collection_id.in_(sorted(subject.shared_collections))


def _open(table: type[DocumentRow | CollectionRow], subject: Subject) -> ColumnElement[bool]:
    return or_(
        table.access.in_((ORGANIZATION, PUBLIC)),
        table.owner_id == subject.user_id,
        and_(table.access == GROUPS, table.group_ids.overlap(sorted(subject.groups))),
    )


def readers_of(subject: Subject, collections: Iterable[UUID] = ()) -> tuple[str, ...]:
    """The names under which index rows may be open to the subject; `collections` are those open to them."""
    inherited = sorted(f"collection:{collection}" for collection in collections)
    if is_guest(subject):
        shared = subject.shared_collections
        own = [PUBLIC] if shared is None else sorted(f"public:{collection}" for collection in shared)
        return (*own, *inherited)
    groups = sorted(f"group:{group}" for group in subject.groups)
    return (ORGANIZATION, PUBLIC, f"user:{subject.user_id}", *groups, *inherited)


def readers_for(
    access: str, group_ids: Sequence[UUID], owner_id: UUID, collection_id: UUID | None = None
) -> tuple[str, ...]:
    """The names that index rows of such access carry."""
    if access == INHERITED and collection_id:
        return (f"user:{owner_id}", f"collection:{collection_id}")
    if access == PUBLIC:
        return (PUBLIC, f"public:{collection_id}") if collection_id else (PUBLIC,)
    if access in (ORGANIZATION, INHERITED):
        return (ORGANIZATION,)
    groups = [f"group:{group}" for group in group_ids] if access == GROUPS else []
    return (f"user:{owner_id}", *groups)


def narrower(served: AccessColumns, coming: AccessColumns) -> tuple[str, list[UUID]]:
    """The columns `access` and `group_ids` that let in only whom both let in, in the collection of `served`.

    What inherits may go on inheriting beside a content for members alone: `readable` keeps guests out of it meanwhile.
    """
    one, other = _normalized(served), _normalized(coming)
    if INHERITED in (one.access, other.access):
        if one == other or other.access in (ORGANIZATION, PUBLIC):
            return served.access, list(served.group_ids)
        if one.access in (ORGANIZATION, PUBLIC) and other.collection_id == served.collection_id:
            return INHERITED, []
        return PRIVATE, []
    for wider in (PUBLIC, ORGANIZATION):
        for access, rest in ((one, other), (other, one)):
            if access.access == wider:
                return rest.access, list(rest.group_ids)
    shared = sorted(set(one.group_ids) & set(other.group_ids))
    return (GROUPS, shared) if shared else (PRIVATE, [])


def _normalized(columns: AccessColumns) -> AccessColumns:
    """What is inherited from no collection is the organisation's; what isn't inherited knows no collection."""
    if columns.access != INHERITED:
        return AccessColumns(columns.access, tuple(columns.group_ids))
    return columns._replace(group_ids=()) if columns.collection_id else AccessColumns(ORGANIZATION)


def is_guest(subject: Subject) -> bool:
    return subject.role is Role.GUEST


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
    if access == PUBLIC:
        return PUBLIC
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
