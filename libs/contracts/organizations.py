"""Organisations from inside: their members, groups and invitations."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field

from libs.contracts.identity import MemberRole, Role

GROUPS_PER_INVITATION = 100
# As many as a largest batch of documents can name.
GROUPS_PER_CHECK = 50_000
MEMBERS_PER_CHECK = 1_000


def _unique(ids: list[UUID]) -> list[UUID]:
    return list(dict.fromkeys(ids))


class Organization(BaseModel):
    """An organisation of the caller, with the caller's role there; `current` is the one that the token is for."""

    id: UUID
    name: str
    role: Role
    current: bool


class OrganizationList(BaseModel):
    items: list[Organization]


class Member(BaseModel):
    user_id: UUID
    email: str
    role: Role
    groups: list[UUID]
    joined_at: datetime


class MemberList(BaseModel):
    items: list[Member]
    next_cursor: str | None


class MemberChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: MemberRole


class GroupRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=120)


class Group(BaseModel):
    id: UUID
    name: str
    member_count: int
    created_at: datetime


class GroupList(BaseModel):
    items: list[Group]


class InvitationRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: EmailStr = Field(max_length=254)
    role: MemberRole = Role.MEMBER
    groups: Annotated[list[UUID], AfterValidator(_unique)] = Field(
        default_factory=list[UUID], max_length=GROUPS_PER_INVITATION
    )


class Invitation(BaseModel):
    """`token` is present only in the answer that creates it; afterwards only its hash is kept."""

    id: UUID
    email: str
    role: Role
    groups: list[UUID]
    invited_by: UUID
    created_at: datetime
    expires_at: datetime
    token: str | None = None


class InvitationList(BaseModel):
    items: list[Invitation]


class InvitationAcceptance(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=512)


class GroupCheck(BaseModel):
    """Service to auth: groups that a caller of this organisation named."""

    organization_id: UUID
    group_ids: list[UUID] = Field(max_length=GROUPS_PER_CHECK)


class GroupsFound(BaseModel):
    """Those of the groups that the organisation has."""

    group_ids: list[UUID]


class MemberCheck(BaseModel):
    """Service to auth: users who were members of this organisation once."""

    organization_id: UUID
    user_ids: list[UUID] = Field(max_length=MEMBERS_PER_CHECK)


class MembersFound(BaseModel):
    """Those of the users who are members now."""

    user_ids: list[UUID]
