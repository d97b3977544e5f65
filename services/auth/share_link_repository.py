"""Queries about share links."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.identity import TokenClaims
from services.auth.models import Organization, ShareLink

USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class GuestStanding:
    """What a living link opens now."""

    collections: frozenset[UUID] | None
    requests_per_minute: int | None


class ShareLinkRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def living(self, organization_id: UUID, now: datetime) -> Sequence[ShareLink]:
        """The newest first."""
        query = select(ShareLink).where(ShareLink.organization_id == organization_id, _lives(now))
        return (await self._session.scalars(query.order_by(ShareLink.created_at.desc(), ShareLink.id))).all()

    async def count(self, organization_id: UUID) -> int:
        query = select(func.count()).select_from(ShareLink).where(ShareLink.organization_id == organization_id)
        return await self._session.scalar(query) or 0

    async def add(self, link: ShareLink) -> None:
        self._session.add(link)
        await self._session.flush()

    async def clear(self, organization_id: UUID, now: datetime) -> None:
        """Forgets what has expired."""
        await self._session.execute(delete(ShareLink).where(ShareLink.organization_id == organization_id, ~_lives(now)))

    async def delete(self, organization_id: UUID, link_id: UUID) -> bool:
        """Whether there was such a link."""
        deleted = await self._session.scalar(
            delete(ShareLink)
            .where(ShareLink.organization_id == organization_id, ShareLink.id == link_id)
            .returning(ShareLink.id)
        )
        return deleted is not None

    async def delete_made_by(self, organization_id: UUID, user_id: UUID) -> None:
        await self._session.execute(
            delete(ShareLink).where(ShareLink.organization_id == organization_id, ShareLink.created_by == user_id)
        )

    async def use(self, token_hash: bytes, now: datetime) -> TokenClaims | None:
        """The guest that a living link's token stands for; its use is noted once a minute."""
        link = await self._session.scalar(select(ShareLink).where(ShareLink.hash == token_hash, _lives(now)))
        if link is None:
            return None
        if link.last_used_at is None or link.last_used_at <= now - USE_NOTED_EVERY:
            await self._session.execute(update(ShareLink).where(ShareLink.id == link.id).values(last_used_at=now))
        return TokenClaims(
            user_id=link.id, organization_id=link.organization_id, session_id=link.id, share_link_id=link.id
        )

    async def standing(self, organization_id: UUID, link_id: UUID, now: datetime) -> GuestStanding | None:
        """None where the link has ended."""
        rows = await self._session.execute(
            select(ShareLink.collections, Organization.requests_per_minute)
            .join(Organization, Organization.id == ShareLink.organization_id)
            .where(ShareLink.organization_id == organization_id, ShareLink.id == link_id, _lives(now))
        )
        row = rows.one_or_none()
        if row is None:
            return None
        collections, requests_per_minute = row
        return GuestStanding(None if collections is None else frozenset(collections), requests_per_minute)


def _lives(now: datetime) -> ColumnElement[bool]:
    return or_(ShareLink.expires_at.is_(None), ShareLink.expires_at > now)
