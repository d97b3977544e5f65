"""Who may read a document: the one rule, as a condition on rows and as the readers that an index row names."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_

from libs.contracts.errors import ErrorCode, FootnoteError, forbidden
from libs.contracts.identity import Role, Subject
from libs.contracts.knowledge import Access, GroupAccess
from services.knowledge.models import DocumentRow

ORGANIZATION = "organization"
PRIVATE = "private"
GROUPS = "groups"


def readable(subject: Subject) -> ColumnElement[bool]:
    """Every query over documents starts here: the subject's tenant, not deleted, and open to the subject."""
    return and_(
        DocumentRow.organization_id == subject.organization_id,
        DocumentRow.deleted_at.is_(None),
        or_(
            DocumentRow.access == ORGANIZATION,
            DocumentRow.owner_id == subject.user_id,
            and_(DocumentRow.access == GROUPS, DocumentRow.group_ids.overlap(sorted(subject.groups))),
        ),
    )


def readers_of(subject: Subject) -> tuple[str, ...]:
    """The names under which index rows may be open to the subject."""
    groups = sorted(f"group:{group}" for group in subject.groups)
    return (ORGANIZATION, f"user:{subject.user_id}", *groups)


def readers_for(access: str, group_ids: Sequence[UUID], owner_id: UUID) -> tuple[str, ...]:
    """The names that index rows of such access carry."""
    if access == ORGANIZATION:
        return (ORGANIZATION,)
    groups = [f"group:{group}" for group in group_ids] if access == GROUPS else []
    return (f"user:{owner_id}", *groups)


def narrower(one: tuple[str, Sequence[UUID]], other: tuple[str, Sequence[UUID]]) -> tuple[str, list[UUID]]:
    """The columns `access` and `group_ids` that let in only whom both let in."""
    for access, rest in ((one, other), (other, one)):
        if access[0] == ORGANIZATION:
            return rest[0], list(rest[1])
    shared = sorted(set(one[1]) & set(other[1]))
    return (GROUPS, shared) if shared else (PRIVATE, [])


def may_manage(subject: Subject, document: DocumentRow) -> bool:
    """Replace or delete: the document's owner, and the organisation's owners and admins."""
    return document.owner_id == subject.user_id or subject.role in (Role.OWNER, Role.ADMIN)


def require_manager(subject: Subject, document: DocumentRow) -> None:
    if not may_manage(subject, document):
        raise forbidden("Only the document's owner or an admin of your organisation may change it.")


def stored_access(access: Access) -> tuple[str, list[UUID]]:
    """The columns `access` and `group_ids`."""
    return (GROUPS, list(access.groups)) if isinstance(access, GroupAccess) else (access, [])


def shown_access(access: str, group_ids: Sequence[UUID]) -> Access:
    if access == GROUPS:
        return GroupAccess(groups=list(group_ids))
    return PRIVATE if access == PRIVATE else ORGANIZATION


def require_own_groups(subject: Subject, access: Access) -> None:
    """A member opens documents to groups they are in; owners and admins to any of the organisation's."""
    if not isinstance(access, GroupAccess) or subject.role in (Role.OWNER, Role.ADMIN):
        return
    foreign = sorted(str(group) for group in set(access.groups) - subject.groups)
    if foreign:
        raise FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"You aren't in the group {foreign[0]!r}. Choose groups that you are in.",
            422,
            {"fields": [{"field": "access.groups", "message": "not a group of yours"}]},
        )
