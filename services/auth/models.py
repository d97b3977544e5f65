"""auth's tables."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        str: Text,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
    }


def _of_a_member() -> ForeignKeyConstraint:
    """Belongs to a user as a member of an organisation, and ends with the membership."""
    return ForeignKeyConstraint(
        ["organization_id", "user_id"], ["memberships.organization_id", "memberships.user_id"], ondelete="CASCADE"
    )


class Organization(Base):
    """`requests_per_minute` is the limit that an operator set, None for the configured one."""

    __tablename__ = "organizations"
    __table_args__ = (Index("organizations_by_name", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str]
    requests_per_minute: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class User(Base):
    """`email` is in the form that `normal_email` gives it, so that its uniqueness ignores case."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("email", name="users_email"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Membership(Base):
    __tablename__ = "memberships"
    __table_args__ = (Index("memberships_by_user", "user_id"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Group(Base):
    __tablename__ = "groups"
    __table_args__ = (
        UniqueConstraint("organization_id", "name", name="groups_name"),
        UniqueConstraint("organization_id", "id", name="groups_organization"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class GroupMember(Base):
    """A member of the group's own organisation."""

    __tablename__ = "group_members"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "group_id"], ["groups.organization_id", "groups.id"], ondelete="CASCADE"
        ),
        _of_a_member(),
        Index("group_members_by_user", "user_id", "organization_id"),
    )

    group_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Invitation(Base):
    """One that is open: accepted and revoked ones are deleted. It ends with the membership of whoever made it."""

    __tablename__ = "invitations"
    __table_args__ = (
        UniqueConstraint("hash", name="invitations_hash"),
        UniqueConstraint("organization_id", "email", name="invitations_email"),
        UniqueConstraint("organization_id", "id", name="invitations_organization"),
        ForeignKeyConstraint(
            ["organization_id", "invited_by"],
            ["memberships.organization_id", "memberships.user_id"],
            ondelete="CASCADE",
        ),
        Index("invitations_by_inviter", "organization_id", "invited_by"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    email: Mapped[str]
    role: Mapped[str]
    invited_by: Mapped[UUID]
    hash: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]


class InvitationGroup(Base):
    """A group, of the same organisation, that whoever accepts joins."""

    __tablename__ = "invitation_groups"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "invitation_id"],
            ["invitations.organization_id", "invitations.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["organization_id", "group_id"], ["groups.organization_id", "groups.id"], ondelete="CASCADE"
        ),
        Index("invitation_groups_by_group", "organization_id", "group_id"),
    )

    invitation_id: Mapped[UUID] = mapped_column(primary_key=True)
    group_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]


class ShareLink(Base):
    """One that counts until it expires: revoked ones are deleted. It ends with the membership of whoever made it.

    `collections` are the only ones that it leads to, None for all public documents.
    """

    __tablename__ = "share_links"
    __table_args__ = (
        UniqueConstraint("hash", name="share_links_hash"),
        ForeignKeyConstraint(
            ["organization_id", "created_by"],
            ["memberships.organization_id", "memberships.user_id"],
            ondelete="CASCADE",
        ),
        Index("share_links_by_maker", "organization_id", "created_by"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    name: Mapped[str | None]
    collections: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    created_by: Mapped[UUID]
    hash: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Session(Base):
    """One sign-in, and the family of its refresh tokens. `expires_at` moves on with each refresh.

    It is the user's in each of their organisations; `organization_id` is the one that it was last used for, and it ends
    with that membership.
    """

    __tablename__ = "sessions"
    __table_args__ = (_of_a_member(), Index("sessions_by_user", "user_id", "organization_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RefreshToken(Base):
    """The hash of one token of a family; a used one stays, so that its reuse is noticed."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index("refresh_tokens_by_session", "session_id"),)

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiKey(Base):
    """The hash of a key that acts for a member until it is revoked."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("hash", name="api_keys_hash"),
        _of_a_member(),
        Index("api_keys_by_user", "user_id", "organization_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    name: Mapped[str]
    prefix: Mapped[str]
    hash: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
