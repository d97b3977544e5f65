"""Queries about who belongs to an organisation."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Row,
    Select,
    Uuid,
    and_,
    any_,
    delete,
    exists,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.identity import Role
from services.auth.models import GroupMember, Membership, Organization, User


@dataclass(frozen=True)
class MemberRow:
    user_id: UUID
    email: str
    role: Role
    groups: tuple[UUID, ...]
    joined_at: datetime


@dataclass(frozen=True)
class OrganizationRow:
    id: UUID
    name: str
    role: Role


class MemberRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_organization(self, organization_id: UUID) -> None:
        """Whoever changes members, groups or invitations holds this; reading and signing in don't wait for it."""
        await self._session.execute(
            select(Organization.id).where(Organization.id == organization_id).with_for_update(key_share=True)
        )

    async def role_of(self, organization_id: UUID, user_id: UUID) -> Role | None:
        role = await self._session.scalar(select(Membership.role).where(_is(organization_id, user_id)))
        return None if role is None else Role(role)

    async def hold(self, organization_id: UUID, user_id: UUID) -> bool:
        """Whether the user is a member, and stays one until the transaction ends."""
        held = select(Membership.user_id).where(_is(organization_id, user_id))
        return await self._session.scalar(held.with_for_update(read=True, key_share=True)) is not None

    async def organizations_of(self, user_id: UUID) -> list[OrganizationRow]:
        """The one joined first comes first."""
        rows = await self._session.execute(
            select(Organization.id, Organization.name, Membership.role)
            .join(Membership, Membership.organization_id == Organization.id)
            .where(Membership.user_id == user_id)
            .order_by(Membership.created_at, Organization.id)
        )
        return [OrganizationRow(row.id, row.name, Role(row.role)) for row in rows]

    async def page(
        self, organization_id: UUID, *, group_id: UUID | None, part: str | None, after: str | None, limit: int
    ) -> list[MemberRow]:
        """Members by their addresses, those that come `after` one; `part` is part of the address."""
        query = _members(organization_id)
        if group_id:
            in_group = exists().where(
                GroupMember.group_id == group_id,
                GroupMember.user_id == Membership.user_id,
                GroupMember.organization_id == organization_id,
            )
            query = query.where(in_group)
        if part:
            query = query.where(User.email.icontains(part, autoescape=True))
        if after:
            query = query.where(User.email > after)
        rows = await self._session.execute(query.order_by(User.email).limit(limit))
        return [_member(row) for row in rows]

    async def member(self, organization_id: UUID, user_id: UUID) -> MemberRow | None:
        rows = await self._session.execute(_members(organization_id).where(Membership.user_id == user_id))
        row = rows.one_or_none()
        return None if row is None else _member(row)

    async def among(self, organization_id: UUID, user_ids: Collection[UUID]) -> set[UUID]:
        """Those of the users who are members."""
        wanted = any_(literal(list(user_ids), ARRAY(Uuid)))
        query = select(Membership.user_id).where(
            Membership.organization_id == organization_id, Membership.user_id == wanted
        )
        return set(await self._session.scalars(query))

    async def has_address(self, organization_id: UUID, email: str) -> bool:
        """Whether a member has the address."""
        found = select(User.id).join(Membership, Membership.user_id == User.id)
        query = found.where(Membership.organization_id == organization_id, User.email == email)
        return await self._session.scalar(query) is not None

    async def owners(self, organization_id: UUID) -> int:
        count = await self._session.scalar(
            select(func.count())
            .select_from(Membership)
            .where(Membership.organization_id == organization_id, Membership.role == Role.OWNER.value)
        )
        return count or 0

    async def add(self, organization_id: UUID, user_id: UUID, role: Role) -> None:
        """Whoever is a member already keeps the role they have."""
        await self._session.execute(
            insert(Membership)
            .values(organization_id=organization_id, user_id=user_id, role=role.value)
            .on_conflict_do_nothing()
        )

    async def set_role(self, organization_id: UUID, user_id: UUID, role: Role) -> None:
        await self._session.execute(update(Membership).where(_is(organization_id, user_id)).values(role=role.value))

    async def remove(self, organization_id: UUID, user_id: UUID) -> None:
        """With the membership go its groups, sessions, API keys and open invitations."""
        await self._session.execute(delete(Membership).where(_is(organization_id, user_id)))


def _is(organization_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    return and_(Membership.organization_id == organization_id, Membership.user_id == user_id)


def _members(organization_id: UUID) -> Select[UUID, str, str, list[UUID] | None, datetime]:
    groups = (
        select(func.array_agg(GroupMember.group_id))
        .where(GroupMember.user_id == Membership.user_id, GroupMember.organization_id == organization_id)
        .correlate(Membership)
        .scalar_subquery()
    )
    return (
        select(User.id, User.email, Membership.role, groups, Membership.created_at)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == organization_id)
    )


def _member(row: Row[UUID, str, str, list[UUID] | None, datetime]) -> MemberRow:
    user_id, email, role, groups, joined_at = row
    return MemberRow(user_id, email, Role(role), tuple(sorted(groups or ())), joined_at)
