"""Queries about open invitations."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts import organizations as contracts
from libs.contracts.identity import Role
from services.auth.models import Invitation, InvitationGroup


class InvitationRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def open(self, organization_id: UUID, now: datetime) -> list[contracts.Invitation]:
        """The newest first."""
        query = _invitations().where(Invitation.organization_id == organization_id, Invitation.expires_at > now)
        rows = await self._session.execute(query.order_by(Invitation.created_at.desc(), Invitation.id))
        return [_shown(row.Invitation, row.groups) for row in rows]

    async def with_hash(self, token_hash: bytes, now: datetime) -> tuple[UUID, contracts.Invitation] | None:
        """The open invitation of a token, and its organisation."""
        query = _invitations().where(Invitation.hash == token_hash, Invitation.expires_at > now)
        row = (await self._session.execute(query)).one_or_none()
        return None if row is None else (row.Invitation.organization_id, _shown(row.Invitation, row.groups))

    async def role_offered(
        self, organization_id: UUID, *, invitation_id: UUID | None = None, email: str | None = None
    ) -> Role | None:
        """The role in the invitation with this id, or to this address."""
        which = Invitation.id == invitation_id if invitation_id else Invitation.email == email
        role = await self._session.scalar(
            select(Invitation.role).where(Invitation.organization_id == organization_id, which)
        )
        return None if role is None else Role(role)

    async def count(self, organization_id: UUID) -> int:
        query = select(func.count()).select_from(Invitation).where(Invitation.organization_id == organization_id)
        return await self._session.scalar(query) or 0

    async def add(self, organization_id: UUID, invitation: contracts.Invitation, token_hash: bytes) -> None:
        row = invitation.model_dump(exclude={"groups", "token"})
        self._session.add(Invitation(**row, organization_id=organization_id, hash=token_hash))
        await self._session.flush()
        self._session.add_all(
            InvitationGroup(invitation_id=invitation.id, group_id=group_id, organization_id=organization_id)
            for group_id in invitation.groups
        )
        await self._session.flush()

    async def delete(self, organization_id: UUID, invitation_id: UUID) -> None:
        await self._session.execute(
            delete(Invitation).where(Invitation.organization_id == organization_id, Invitation.id == invitation_id)
        )

    async def clear(self, organization_id: UUID, email: str, now: datetime) -> None:
        """Ends what was sent to the address before, and what has expired."""
        of_organization = Invitation.organization_id == organization_id
        outdated = (Invitation.email == email) | (Invitation.expires_at <= now)
        await self._session.execute(delete(Invitation).where(of_organization, outdated))

    async def delete_made_by(self, organization_id: UUID, user_id: UUID, *, except_to: Collection[Role]) -> None:
        """Ends the member's invitations, but those to the roles named."""
        await self._session.execute(
            delete(Invitation).where(
                Invitation.organization_id == organization_id,
                Invitation.invited_by == user_id,
                Invitation.role.not_in([role.value for role in except_to]),
            )
        )


def _invitations() -> Select[Invitation, list[UUID] | None]:
    groups = (
        select(func.array_agg(InvitationGroup.group_id))
        .where(InvitationGroup.invitation_id == Invitation.id)
        .correlate(Invitation)
        .scalar_subquery()
    )
    return select(Invitation, groups.label("groups"))


def _shown(row: Invitation, groups: Collection[UUID] | None) -> contracts.Invitation:
    return contracts.Invitation(
        id=row.id,
        email=row.email,
        role=Role(row.role),
        groups=sorted(groups or ()),
        invited_by=row.invited_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
