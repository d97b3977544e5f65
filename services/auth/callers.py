"""Who may call what under `/organizations/{organization_id}`."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from libs.contracts.errors import ErrorCode, FootnoteError, forbidden
from libs.contracts.identity import Subject
from libs.service.identity import CurrentSubject, require_admin


async def require_member(organization_id: UUID, subject: CurrentSubject) -> Subject:
    """A member whose token is for this organisation; 404 for others, who learn nothing of it."""
    if subject.organization_id != organization_id:
        raise FootnoteError(
            ErrorCode.NOT_FOUND,
            f"There is no organization {str(organization_id)!r} for this token. If it is yours, refresh with its id as "
            "'organization_id'.",
            404,
        )
    return subject


OrganizationMember = Annotated[Subject, Depends(require_member)]


async def require_organization_admin(subject: OrganizationMember) -> Subject:
    """An owner or admin of the organisation; 403 for its other members."""
    return await require_admin(subject)


async def require_person(subject: OrganizationMember) -> Subject:
    """A member who has signed in; 403 for an API key, which could otherwise make itself a way in that outlives it."""
    if subject.api_key_id:
        raise forbidden("An API key can't change who may come in. Sign in with your password.")
    return subject


SignedInMember = Annotated[Subject, Depends(require_person)]


async def require_managing_person(subject: SignedInMember) -> Subject:
    return await require_admin(subject)


OrganizationAdmin = Annotated[Subject, Depends(require_organization_admin)]
SignedInAdmin = Annotated[Subject, Depends(require_managing_person)]
