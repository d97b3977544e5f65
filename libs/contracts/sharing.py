"""Share links: how people without an account read what an organisation made public."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

COLLECTIONS_PER_LINK = 20


def _unique(ids: list[UUID] | None) -> list[UUID] | None:
    return None if ids is None else sorted(set(ids))


class ShareLinkRequest(BaseModel):
    """Without `collections` the link leads to all public documents, without `expires_at` until it is revoked."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=120)
    expires_at: AwareDatetime | None = None
    collections: Annotated[list[UUID] | None, AfterValidator(_unique)] = Field(
        default=None, min_length=1, max_length=COLLECTIONS_PER_LINK
    )


class ShareLink(BaseModel):
    """`token` is present only in the answer that creates it; afterwards only its hash is kept."""

    id: UUID
    name: str | None
    collections: list[UUID] | None
    created_by: UUID
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = None
    token: str | None = None


class ShareLinkList(BaseModel):
    items: list[ShareLink]
