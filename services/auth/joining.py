"""Joining an organisation by invitation: one rule for whoever registers, signs in or is signed in."""

from datetime import datetime
from uuid import UUID

from libs.contracts.errors import ErrorCode, FootnoteError, forbidden
from libs.contracts.organizations import Invitation
from services.auth.credentials import hash_of
from services.auth.repository import AuthRepository


async def join(
    repository: AuthRepository, token: str, user_id: UUID, email: str, now: datetime
) -> tuple[UUID, Invitation]:
    """The organisation that the user is a member of from now on, and the invitation, which is used up.

    Raises 404 for a token that doesn't count (any more), 403 for an invitation to another address.
    """
    token_hash = hash_of(token)
    found = await repository.invitations.with_hash(token_hash, now)
    if found:
        # What was read before the lock may have been accepted, revoked or outlived by its inviter's role meanwhile.
        await repository.members.lock_organization(found[0])
        found = await repository.invitations.with_hash(token_hash, now)
    if not found:
        raise FootnoteError(
            ErrorCode.NOT_FOUND,
            "The invitation was used, revoked or has expired, or never was. Ask for a new one.",
            404,
        )
    organization_id, invitation = found
    if invitation.email != email:
        raise forbidden("The invitation is for another e-mail address. Use it with the account of that address.")
    await repository.members.add(organization_id, user_id, invitation.role)
    await repository.groups.add_members(organization_id, invitation.groups, user_id)
    await repository.invitations.delete(organization_id, invitation.id)
    return organization_id, invitation
