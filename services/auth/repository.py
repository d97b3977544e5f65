"""auth's queries about users, sessions and keys; the rest is in the repositories that it holds."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.identity import OrganizationRef, Role, TokenClaims
from libs.stores.postgres import Database
from services.auth.group_repository import GroupRepository
from services.auth.invitation_repository import InvitationRepository
from services.auth.member_repository import MemberRepository
from services.auth.models import ApiKey, GroupMember, Membership, Organization, RefreshToken, Session, User
from services.auth.share_link_repository import ShareLinkRepository

API_KEY_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Account:
    """What signing in needs to know of a user; `organization_id` is None for one who is a member nowhere."""

    user_id: UUID
    organization_id: UUID | None
    password_hash: str


@dataclass(frozen=True)
class Standing:
    """What a member is in an organisation now."""

    role: Role
    groups: frozenset[UUID]
    requests_per_minute: int | None


@dataclass(frozen=True)
class Profile:
    user_id: UUID
    email: str
    organization_id: UUID
    organization_name: str
    role: Role
    created_at: datetime


@dataclass(frozen=True)
class HeldRefreshToken:
    """A refresh token with its session, both locked until the transaction ends."""

    claims: TokenClaims
    expires_at: datetime
    used_at: datetime | None
    session_revoked: bool


class AuthRepository:
    """The queries of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self.members = MemberRepository(session)
        self.groups = GroupRepository(session)
        self.invitations = InvitationRepository(session)
        self.share_links = ShareLinkRepository(session)

    async def add_user(self, email: str, password_hash: str, now: datetime) -> UUID | None:
        """A new user without an organisation; None where the address is taken."""
        return await self._session.scalar(
            insert(User)
            .values(email=email, password_hash=password_hash, created_at=now)
            .on_conflict_do_nothing(index_elements=[User.email])
            .returning(User.id)
        )

    async def add_organization(self, name: str, owner_id: UUID) -> UUID:
        """A new organisation with its first owner."""
        organization = Organization(name=name)
        self._session.add(organization)
        await self._session.flush()
        await self.members.add(organization.id, owner_id, Role.OWNER)
        return organization.id

    async def account(self, email: str) -> Account | None:
        """The user of an address, in the organisation used last, or else the one joined first."""
        last_used = (
            select(func.max(Session.expires_at))
            .where(Session.user_id == User.id, Session.organization_id == Membership.organization_id)
            .correlate(User, Membership)
            .scalar_subquery()
        )
        rows = await self._session.execute(
            select(User.id, Membership.organization_id, User.password_hash)
            .outerjoin(Membership, Membership.user_id == User.id)
            .where(User.email == email)
            .order_by(last_used.desc().nulls_last(), Membership.created_at, Membership.organization_id)
            .limit(1)
        )
        row = rows.one_or_none()
        return None if row is None else Account(row.id, row.organization_id, row.password_hash)

    async def profile(self, user_id: UUID, organization_id: UUID) -> Profile | None:
        rows = await self._session.execute(
            select(User.email, User.created_at, Organization.name, Membership.role)
            .join(Membership, Membership.user_id == User.id)
            .join(Organization, Organization.id == Membership.organization_id)
            .where(User.id == user_id, Organization.id == organization_id)
        )
        row = rows.one_or_none()
        if row is None:
            return None
        return Profile(user_id, row.email, organization_id, row.name, Role(row.role), row.created_at)

    async def replace_password_hash(self, user_id: UUID, password_hash: str) -> None:
        await self._session.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))

    async def standing(self, claims: TokenClaims, now: datetime) -> Standing | None:
        """The member as a living session or API key of its own; None where either has ended. One query."""
        groups = (
            select(func.array_agg(GroupMember.group_id))
            .where(GroupMember.user_id == claims.user_id, GroupMember.organization_id == claims.organization_id)
            .scalar_subquery()
        )
        rows = await self._session.execute(
            select(Membership.role, Organization.requests_per_minute, groups.label("groups"))
            .join(Organization, Organization.id == Membership.organization_id)
            .where(
                Membership.user_id == claims.user_id,
                Membership.organization_id == claims.organization_id,
                _living_key(claims) if claims.api_key_id else _living_session(claims, now),
            )
        )
        row = rows.one_or_none()
        if row is None:
            return None
        return Standing(Role(row.role), frozenset(row.groups or ()), row.requests_per_minute)

    async def add_session(
        self, user_id: UUID, organization_id: UUID, now: datetime, expires_at: datetime
    ) -> TokenClaims:
        """A new session; the user's expired ones go."""
        await self._session.execute(delete(Session).where(Session.user_id == user_id, Session.expires_at <= now))
        session = Session(user_id=user_id, organization_id=organization_id, created_at=now, expires_at=expires_at)
        self._session.add(session)
        await self._session.flush()
        return TokenClaims(user_id=user_id, organization_id=organization_id, session_id=session.id)

    async def end_session(self, session_id: UUID, now: datetime) -> None:
        await self._session.execute(
            update(Session).where(Session.id == session_id, Session.revoked_at.is_(None)).values(revoked_at=now)
        )

    async def move_session(self, session_id: UUID, organization_id: UUID) -> None:
        """From now on a refresh is for this organisation, where none is named."""
        await self._session.execute(
            update(Session).where(Session.id == session_id).values(organization_id=organization_id)
        )

    async def session_of(self, token_hash: bytes) -> TokenClaims | None:
        """Whose session a refresh token belongs to."""
        rows = await self._session.execute(
            select(Session.id, Session.user_id, Session.organization_id)
            .join(RefreshToken, RefreshToken.session_id == Session.id)
            .where(RefreshToken.hash == token_hash)
        )
        row = rows.one_or_none()
        if row is None:
            return None
        return TokenClaims(user_id=row.user_id, organization_id=row.organization_id, session_id=row.id)

    async def hold_refresh_token(self, token_hash: bytes) -> HeldRefreshToken | None:
        # Both rows are locked: one that waited here for another refresh must see what that one changed.
        rows = await self._session.execute(
            select(RefreshToken, Session)
            .join(Session, Session.id == RefreshToken.session_id)
            .where(RefreshToken.hash == token_hash)
            .with_for_update()
        )
        row = rows.one_or_none()
        if row is None:
            return None
        token, session = row
        return HeldRefreshToken(
            claims=TokenClaims(user_id=session.user_id, organization_id=session.organization_id, session_id=session.id),
            expires_at=token.expires_at,
            used_at=token.used_at,
            session_revoked=session.revoked_at is not None,
        )

    async def add_refresh_token(self, session_id: UUID, token_hash: bytes, now: datetime, expires_at: datetime) -> None:
        """A session's next token, which prolongs the session; its expired ones go."""
        await self._session.execute(
            delete(RefreshToken).where(RefreshToken.session_id == session_id, RefreshToken.expires_at <= now)
        )
        await self._session.execute(
            insert(RefreshToken).values(hash=token_hash, session_id=session_id, created_at=now, expires_at=expires_at)
        )
        await self._session.execute(update(Session).where(Session.id == session_id).values(expires_at=expires_at))

    async def use_refresh_token(self, token_hash: bytes, now: datetime) -> None:
        await self._session.execute(update(RefreshToken).where(RefreshToken.hash == token_hash).values(used_at=now))

    async def is_unused(self, token_hash: bytes) -> bool:
        found = await self._session.scalar(
            select(RefreshToken.hash).where(RefreshToken.hash == token_hash, RefreshToken.used_at.is_(None))
        )
        return found is not None

    async def add_api_key(self, key: ApiKey, limit: int) -> bool:
        """Whether the key was added: not where its owner has `limit` living ones already."""
        # The owner's row is locked, so that two requests at once can't both take the last place.
        await self._session.execute(
            select(Membership.role)
            .where(Membership.user_id == key.user_id, Membership.organization_id == key.organization_id)
            .with_for_update(key_share=True)
        )
        living = await self._session.scalar(
            select(func.count()).select_from(ApiKey).where(_living_keys_of(key.user_id, key.organization_id))
        )
        if (living or 0) >= limit:
            return False
        self._session.add(key)
        await self._session.flush()
        return True

    async def api_keys(self, user_id: UUID, organization_id: UUID) -> Sequence[ApiKey]:
        """The living keys, oldest first."""
        keys = await self._session.scalars(
            select(ApiKey).where(_living_keys_of(user_id, organization_id)).order_by(ApiKey.created_at, ApiKey.id)
        )
        return keys.all()

    async def revoke_api_key(self, key_id: UUID, user_id: UUID, organization_id: UUID, now: datetime) -> bool:
        """Whether there was such a living key."""
        revoked = await self._session.scalar(
            update(ApiKey)
            .where(_living_keys_of(user_id, organization_id), ApiKey.id == key_id)
            .values(revoked_at=now)
            .returning(ApiKey.id)
        )
        return revoked is not None

    async def use_api_key(self, key_hash: bytes, now: datetime) -> TokenClaims | None:
        """Whom a living key stands for; its use is noted once a minute."""
        rows = await self._session.execute(
            select(ApiKey.id, ApiKey.user_id, ApiKey.organization_id, ApiKey.last_used_at).where(
                ApiKey.hash == key_hash, ApiKey.revoked_at.is_(None)
            )
        )
        key = rows.one_or_none()
        if key is None:
            return None
        if key.last_used_at is None or key.last_used_at <= now - API_KEY_USE_NOTED_EVERY:
            await self._session.execute(update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=now))
        return TokenClaims(
            user_id=key.user_id, organization_id=key.organization_id, session_id=key.id, api_key_id=key.id
        )

    async def organizations(self, named: str, email: str | None, limit: int) -> list[OrganizationRef]:
        """Organisations by their exact name or a member's address, for operators: the one query across tenants."""
        named_so = Organization.name == named
        of_member = Organization.id.in_(
            select(Membership.organization_id).join(User, User.id == Membership.user_id).where(User.email == email)
        )
        found = await self._session.execute(
            select(Organization.id, Organization.name)
            .where(or_(named_so, of_member))
            .order_by(Organization.created_at, Organization.id)
            .limit(limit)
        )
        return [OrganizationRef(organization_id=row.id, name=row.name) for row in found]

    async def organization(self, organization_id: UUID) -> OrganizationRef | None:
        name = await self._session.scalar(select(Organization.name).where(Organization.id == organization_id))
        return None if name is None else OrganizationRef(organization_id=organization_id, name=name)

    async def set_requests_per_minute(self, organization_id: UUID, limit: int | None) -> bool:
        """Whether there is such an organisation."""
        changed = await self._session.scalar(
            update(Organization)
            .where(Organization.id == organization_id)
            .values(requests_per_minute=limit)
            .returning(Organization.id)
        )
        return changed is not None


class AuthStore:
    """Opens the transaction of one step."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def step(self) -> AsyncGenerator[AuthRepository]:
        async with self._database.transaction() as session:
            yield AuthRepository(session)


def _living_session(claims: TokenClaims, now: datetime) -> ColumnElement[bool]:
    return exists().where(
        Session.id == claims.session_id,
        Session.user_id == claims.user_id,
        Session.revoked_at.is_(None),
        Session.expires_at > now,
    )


def _living_key(claims: TokenClaims) -> ColumnElement[bool]:
    return exists().where(ApiKey.id == claims.api_key_id, _living_keys_of(claims.user_id, claims.organization_id))


def _living_keys_of(user_id: UUID, organization_id: UUID) -> ColumnElement[bool]:
    return and_(ApiKey.user_id == user_id, ApiKey.organization_id == organization_id, ApiKey.revoked_at.is_(None))
