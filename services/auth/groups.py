"""An organisation's groups, which documents may be opened to."""

from collections.abc import Collection
from uuid import UUID

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import Subject
from libs.contracts.organizations import Group, GroupCheck, GroupList, GroupsFound
from services.auth.audit import audit_by
from services.auth.group_repository import GroupRow
from services.auth.names import display_name, invalid
from services.auth.repository import AuthRepository, AuthStore
from services.auth.roles import MANAGES, hold_admin

# A subject carries its groups, and every search compares them.
GROUPS_PER_ORGANIZATION = 1_000


class Groups:
    def __init__(self, store: AuthStore) -> None:
        self._store = store

    async def list(self, subject: Subject) -> GroupList:
        """The groups by name: all for owners and admins, for others those that they are in."""
        of_member = None if MANAGES[subject.role] else subject.user_id
        async with self._store.step() as repository:
            rows = await repository.groups.all(subject.organization_id, of_member)
        return GroupList(items=[_shown(row) for row in rows])

    async def create(self, subject: Subject, name: str) -> Group:
        """A new group without members. Raises 409 for a name that is taken, and where there are 1,000 groups."""
        name = display_name(name, "name")
        async with self._store.step() as repository:
            await hold_admin(repository, subject)
            await _require_free_name(repository, subject.organization_id, name)
            if await repository.groups.count(subject.organization_id) >= GROUPS_PER_ORGANIZATION:
                raise FootnoteError(
                    ErrorCode.CONFLICT,
                    f"The organization has {GROUPS_PER_ORGANIZATION:,} groups already. Delete one that isn't used.",
                    409,
                )
            row = await repository.groups.add(subject.organization_id, name)
        audit_by(subject, "group.created", group_id=row.id)
        return _shown(row)

    async def rename(self, subject: Subject, group_id: UUID, name: str) -> Group:
        """The group under its new name. Raises 404, and 409 for a name that is taken."""
        name = display_name(name, "name")
        async with self._store.step() as repository:
            await hold_admin(repository, subject)
            row = await _group(repository, subject.organization_id, group_id)
            await _require_free_name(repository, subject.organization_id, name, group_id)
            await repository.groups.rename(subject.organization_id, group_id, name)
        audit_by(subject, "group.renamed", group_id=group_id)
        return _shown(row).model_copy(update={"name": name})

    async def delete(self, subject: Subject, group_id: UUID) -> None:
        """Documents that are open to no other group are then their owners' alone. Raises 404."""
        async with self._store.step() as repository:
            await hold_admin(repository, subject)
            deleted = await repository.groups.delete(subject.organization_id, group_id)
        if not deleted:
            raise not_found("group", group_id)
        audit_by(subject, "group.deleted", group_id=group_id)

    async def add_member(self, subject: Subject, group_id: UUID, user_id: UUID) -> None:
        """Puts a member in; nothing changes where they are in already. Raises 404."""
        async with self._store.step() as repository:
            await hold_admin(repository, subject)
            await _group(repository, subject.organization_id, group_id)
            if await repository.members.role_of(subject.organization_id, user_id) is None:
                raise not_found("member", user_id)
            await repository.groups.add_members(subject.organization_id, [group_id], user_id)
        audit_by(subject, "group.member_added", group_id=group_id, user_id=user_id)

    async def remove_member(self, subject: Subject, group_id: UUID, user_id: UUID) -> None:
        """Takes a member out, which counts within a second. Raises 404 for one who isn't in."""
        async with self._store.step() as repository:
            await hold_admin(repository, subject)
            removed = await repository.groups.remove_member(subject.organization_id, group_id, user_id)
        if not removed:
            raise not_found("member of this group", user_id)
        audit_by(subject, "group.member_removed", group_id=group_id, user_id=user_id)

    async def existing(self, check: GroupCheck) -> GroupsFound:
        async with self._store.step() as repository:
            found = await repository.groups.existing(check.organization_id, check.group_ids)
        return GroupsFound(group_ids=sorted(found))


async def require_groups(repository: AuthRepository, organization_id: UUID, group_ids: Collection[UUID]) -> None:
    """Raises 422 for a group that the organisation doesn't have."""
    unknown = set(group_ids) - await repository.groups.existing(organization_id, group_ids)
    if unknown:
        raise invalid("groups", f"there is no group {str(min(unknown))!r}")


async def _group(repository: AuthRepository, organization_id: UUID, group_id: UUID) -> GroupRow:
    group = await repository.groups.group(organization_id, group_id)
    if group is None:
        raise not_found("group", group_id)
    return group


async def _require_free_name(
    repository: AuthRepository, organization_id: UUID, name: str, group_id: UUID | None = None
) -> None:
    holder = await repository.groups.named(organization_id, name)
    if holder not in (None, group_id):
        raise FootnoteError(ErrorCode.CONFLICT, f"There is a group {name!r} already. Choose another name.", 409)


def _shown(row: GroupRow) -> Group:
    return Group(id=row.id, name=row.name, member_count=row.member_count, created_at=row.created_at)
