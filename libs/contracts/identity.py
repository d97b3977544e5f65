"""Who is asking: what a token says, and what auth adds to it."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, EmailStr, Field, model_validator


class Role(StrEnum):
    """A guest holds one of the organisation's share links and is no member: nobody can be given that role."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"


MemberRole = Literal[Role.OWNER, Role.ADMIN, Role.MEMBER]


class TokenClaims(BaseModel):
    """What an access token names: user, organisation and session, nothing that can change while it lives.

    A guest is no user: with `share_link_id`, the ids of user and session are the link's, which no user has.
    """

    model_config = ConfigDict(frozen=True)

    user_id: UUID
    organization_id: UUID
    session_id: UUID
    api_key_id: UUID | None = None
    share_link_id: UUID | None = None


class Subject(BaseModel):
    """The caller with role, groups and permissions as auth knows them now.

    `requests_per_minute` is the organisation's own limit where an operator set one, else None. `shared_collections` are
    the only ones that a guest's link leads to; None for links that lead to all public documents, and for members.
    """

    model_config = ConfigDict(frozen=True)

    user_id: UUID
    organization_id: UUID
    session_id: UUID
    api_key_id: UUID | None = None
    share_link_id: UUID | None = None
    role: Role
    groups: frozenset[UUID] = frozenset()
    permissions: frozenset[str] = frozenset()
    shared_collections: frozenset[UUID] | None = None
    requests_per_minute: int | None = None


class RegisterRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: EmailStr = Field(max_length=254)
    password: str = Field(min_length=12, max_length=256)
    organization_name: str | None = Field(default=None, min_length=1, max_length=120)
    invitation_token: str | None = Field(default=None, max_length=512)

    @model_validator(mode="after")
    def _joins_or_founds(self) -> "RegisterRequest":
        if self.organization_name is not None and self.invitation_token is not None:
            raise ValueError(
                "send organization_name to found an organization or invitation_token to join one, not both"
            )
        return self


class LoginRequest(BaseModel):
    """`organization_id` chooses the one that the tokens are for; `invitation_token` joins one first."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=254)
    password: str = Field(max_length=256)
    mfa_code: str | None = Field(default=None, max_length=16)
    organization_id: UUID | None = None
    invitation_token: str | None = Field(default=None, max_length=512)


class RefreshRequest(BaseModel):
    """`organization_id` moves the session to another of the user's organisations."""

    model_config = ConfigDict(extra="forbid")

    refresh_token: str = Field(max_length=512)
    organization_id: UUID | None = None


class TokenPair(BaseModel):
    """`expires_in` is the access token's remaining life in seconds."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105 - the OAuth 2.0 token type, not a secret
    expires_in: int


class User(BaseModel):
    id: UUID
    email: str
    organization_id: UUID
    organization_name: str
    roles: list[Role]
    created_at: datetime


class ApiKeyRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=120)


class ApiKey(BaseModel):
    """`key` is present only in the answer that creates it; afterwards only its hash is kept."""

    id: UUID
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None = None
    key: str | None = None


class ApiKeyList(BaseModel):
    items: list[ApiKey]


class ApiKeyExchange(BaseModel):
    """Service to service: an API key, or a share link's token, for the access token that stands for it."""

    key: str


class AccessToken(BaseModel):
    access_token: str
    expires_in: int


class OrganizationLimits(BaseModel):
    """Operator to auth: an organisation's own request limit a minute, None for the configured default."""

    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000)


class OrganizationRef(BaseModel):
    """Operator to auth: an organisation found by id, name or a member's e-mail address."""

    organization_id: UUID
    name: str
