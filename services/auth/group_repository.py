"""Queries about an organisation's groups."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Select, Uuid, any_, delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.models import Group, GroupMember


@dataclass(frozen=True)
class GroupRow:
    id: UUID
    name: str
    member_count: int
    created_at: datetime


class GroupRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self, organization_id: UUID, of_member: UUID | None) -> list[GroupRow]:
        """The groups by name; with `of_member`, those that this member is in."""
        query = _groups(organization_id)
        if of_member:
            query = query.where(exists().where(GroupMember.group_id == Group.id, GroupMember.user_id == of_member))
        rows = await self._session.execute(query.order_by(func.lower(Group.name), Group.id))
        return [GroupRow(*row) for row in rows]

    async def group(self, organization_id: UUID, group_id: UUID) -> GroupRow | None:
        rows = await self._session.execute(_groups(organization_id).where(Group.id == group_id))
        row = rows.one_or_none()
        return None if row is None else GroupRow(*row)

    async def count(self, organization_id: UUID) -> int:
        query = select(func.count()).select_from(Group).where(Group.organization_id == organization_id)
        return await self._session.scalar(query) or 0

    async def named(self, organization_id: UUID, name: str) -> UUID | None:
        """The group that has the name, whatever its case."""
        same = func.lower(Group.name) == func.lower(name)
        return await self._session.scalar(select(Group.id).where(Group.organization_id == organization_id, same))

    async def existing(self, organization_id: UUID, group_ids: Collection[UUID]) -> set[UUID]:
        """Those of the groups that the organisation has."""
        # One array: each id as a parameter of its own would be more than the protocol takes.
        wanted = any_(literal(list(group_ids), ARRAY(Uuid)))
        query = select(Group.id).where(Group.organization_id == organization_id, Group.id == wanted)
        return set(await self._session.scalars(query))

    async def add(self, organization_id: UUID, name: str) -> GroupRow:
        group = Group(id=uuid4(), organization_id=organization_id, name=name)
        self._session.add(group)
        await self._session.flush()
        await self._session.refresh(group, ["created_at"])
        return GroupRow(group.id, name, 0, group.created_at)

    async def rename(self, organization_id: UUID, group_id: UUID, name: str) -> None:
        await self._session.execute(
            update(Group).where(Group.organization_id == organization_id, Group.id == group_id).values(name=name)
        )

    async def delete(self, organization_id: UUID, group_id: UUID) -> bool:
        """Whether there was such a group."""
        deleted = await self._session.scalar(
            delete(Group).where(Group.organization_id == organization_id, Group.id == group_id).returning(Group.id)
        )
        return deleted is not None

    async def add_members(self, organization_id: UUID, group_ids: Collection[UUID], user_id: UUID) -> None:
        """Puts a member of the organisation into its groups; nothing changes where they are in already."""
        if group_ids:
            rows = [
                {"group_id": group_id, "user_id": user_id, "organization_id": organization_id} for group_id in group_ids
            ]
            await self._session.execute(insert(GroupMember).values(rows).on_conflict_do_nothing())

    async def remove_member(self, organization_id: UUID, group_id: UUID, user_id: UUID) -> bool:
        """Whether the member was in the group."""
        removed = await self._session.scalar(
            delete(GroupMember)
            .where(
                GroupMember.organization_id == organization_id,
                GroupMember.group_id == group_id,
                GroupMember.user_id == user_id,
            )
            .returning(GroupMember.user_id)
        )
        return removed is not None


def _groups(organization_id: UUID) -> Select[UUID, str, int, datetime]:
    members = (
        select(func.count()).select_from(GroupMember).where(GroupMember.group_id == Group.id).correlate(Group)
    ).scalar_subquery()
    return select(Group.id, Group.name, members, Group.created_at).where(Group.organization_id == organization_id)
