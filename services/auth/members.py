"""An organisation's members: seen, given another role, removed."""

import base64
import binascii
from uuid import UUID

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import Role, Subject
from libs.contracts.organizations import (
    Member,
    MemberCheck,
    MemberList,
    MembersFound,
    Organization,
    OrganizationList,
)
from services.auth.audit import audit_by
from services.auth.member_repository import MemberRow
from services.auth.names import invalid
from services.auth.repository import AuthRepository, AuthStore
from services.auth.roles import MANAGES, hold_admin, hold_caller, require_manages


class Members:
    """An organisation keeps at least one owner, and nobody acts on a role above their own."""

    def __init__(self, store: AuthStore) -> None:
        self._store = store

    async def organizations(self, subject: Subject) -> OrganizationList:
        """The caller's organisations, the one joined first at the start; for an API key, its own."""
        async with self._store.step() as repository:
            rows = await repository.members.organizations_of(subject.user_id)
        current = subject.organization_id
        return OrganizationList(
            items=[
                Organization(id=row.id, name=row.name, role=row.role, current=row.id == current)
                for row in rows
                if row.id == current or not subject.api_key_id
            ]
        )

    async def page(
        self, subject: Subject, *, group_id: UUID | None, part: str | None, cursor: str | None, limit: int
    ) -> MemberList:
        """The members by their addresses; `part` is part of an address. Raises 422 for an unknown cursor."""
        after = _position(cursor) if cursor else None
        async with self._store.step() as repository:
            rows = await repository.members.page(
                subject.organization_id, group_id=group_id, part=part, after=after, limit=limit + 1
            )
        shown, more = rows[:limit], len(rows) > limit
        return MemberList(items=[_shown(row) for row in shown], next_cursor=_cursor(shown[-1]) if more else None)

    async def among(self, check: MemberCheck) -> MembersFound:
        """Raises 404 for an organisation that there isn't: of one, somebody is always owner."""
        async with self._store.step() as repository:
            if not await repository.members.owners(check.organization_id):
                raise not_found("organization", check.organization_id)
            found = await repository.members.among(check.organization_id, check.user_ids)
        return MembersFound(user_ids=sorted(found))

    async def change_role(self, subject: Subject, user_id: UUID, role: Role) -> Member:
        """The member with the new role, which counts within a second. Raises 403, 404, and 409 for the last owner.

        Invitations and share links that the member may no longer make end.
        """
        organization_id = subject.organization_id
        async with self._store.step() as repository:
            actor = await hold_admin(repository, subject)
            member = await _member(repository, organization_id, user_id)
            require_manages(actor, member.role)
            require_manages(actor, role)
            if role is not Role.OWNER:
                await _require_another_owner(repository, organization_id, member)
            await repository.members.set_role(organization_id, user_id, role)
            await repository.invitations.delete_made_by(organization_id, user_id, except_to=MANAGES[role])
            if not MANAGES[role]:
                await repository.share_links.delete_made_by(organization_id, user_id)
        audit_by(subject, "member.role_changed", user_id=user_id, former=member.role, role=role)
        return _shown(member).model_copy(update={"role": role})

    async def remove(self, subject: Subject, user_id: UUID) -> None:
        """Ends the membership, and with it its sessions, API keys, invitations and share links; anyone may leave.

        Raises 403, 404, and 409 for the last owner.
        """
        organization_id = subject.organization_id
        async with self._store.step() as repository:
            actor = await (hold_caller if user_id == subject.user_id else hold_admin)(repository, subject)
            member = await _member(repository, organization_id, user_id)
            if user_id != subject.user_id:
                require_manages(actor, member.role)
            await _require_another_owner(repository, organization_id, member)
            await repository.members.remove(organization_id, user_id)
        audit_by(subject, "member.removed", user_id=user_id, role=member.role)


async def _member(repository: AuthRepository, organization_id: UUID, user_id: UUID) -> MemberRow:
    member = await repository.members.member(organization_id, user_id)
    if member is None:
        raise not_found("member", user_id)
    return member


async def _require_another_owner(repository: AuthRepository, organization_id: UUID, member: MemberRow) -> None:
    if member.role is Role.OWNER and await repository.members.owners(organization_id) == 1:
        raise FootnoteError(
            ErrorCode.CONFLICT, "An organization keeps at least one owner. Make another member owner first.", 409
        )


def _shown(row: MemberRow) -> Member:
    return Member(user_id=row.user_id, email=row.email, role=row.role, groups=list(row.groups), joined_at=row.joined_at)


def _cursor(row: MemberRow) -> str:
    return base64.urlsafe_b64encode(row.email.encode()).decode()


def _position(cursor: str) -> str:
    try:
        after = base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise invalid("cursor", "isn't a cursor of ours; start again without one") from error
    if "\x00" in after:
        raise invalid("cursor", "isn't a cursor of ours; start again without one")
    return after
