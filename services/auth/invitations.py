"""Invitations: the one way into an organisation that exists."""

from datetime import timedelta
from uuid import UUID, uuid4

from libs.contracts.errors import ErrorCode, FootnoteError, forbidden, not_found, unauthenticated
from libs.contracts.identity import Subject
from libs.contracts.organizations import Invitation, InvitationList, InvitationRequest, Organization
from services.auth.audit import audit_by, audit_joined
from services.auth.credentials import InvitationTokens, hash_of
from services.auth.groups import require_groups
from services.auth.joining import join
from services.auth.names import invalid, normal_email
from services.auth.repository import AuthStore
from services.auth.roles import hold_admin, require_manages
from services.auth.sessions import SESSION_ENDED, Clock

INVITATION_LIFE = timedelta(days=7)
INVITATIONS_PER_ORGANIZATION = 1_000


class Invitations:
    """Whoever is invited decides; and the answer is the same whether or not the address has an account."""

    def __init__(self, store: AuthStore, tokens: InvitationTokens, clock: Clock) -> None:
        self._store = store
        self._tokens = tokens
        self._clock = clock

    async def create(self, subject: Subject, request: InvitationRequest) -> Invitation:
        """The invitation, without its token; it takes the place of an earlier one to the same address.

        Raises 403 for a role above the caller's, 409 for a member's address and where 1,000 invitations are open, 422
        for an unknown group.
        """
        email = normal_email(request.email)
        if email is None:
            raise invalid("email", "must be an e-mail address")
        organization_id, now = subject.organization_id, self._clock()
        invitation = Invitation(
            id=uuid4(),
            email=email,
            role=request.role,
            groups=sorted(request.groups),
            invited_by=subject.user_id,
            created_at=now,
            expires_at=now + INVITATION_LIFE,
        )
        async with self._store.step() as repository:
            actor = await hold_admin(repository, subject)
            require_manages(actor, request.role)
            await require_groups(repository, organization_id, request.groups)
            if await repository.members.has_address(organization_id, email):
                raise FootnoteError(ErrorCode.CONFLICT, f"{email!r} is a member already. Change the role instead.", 409)
            earlier = await repository.invitations.role_offered(organization_id, email=email)
            if earlier:
                require_manages(actor, earlier)
            await repository.invitations.clear(organization_id, email, now)
            if await repository.invitations.count(organization_id) >= INVITATIONS_PER_ORGANIZATION:
                raise FootnoteError(
                    ErrorCode.CONFLICT,
                    f"{INVITATIONS_PER_ORGANIZATION:,} invitations are open already. Revoke some of them.",
                    409,
                )
            await repository.invitations.add(organization_id, invitation, hash_of(self._tokens.of(invitation.id)))
        audit_by(subject, "invitation.created", invitation_id=invitation.id, role=invitation.role)
        return invitation

    def with_token(self, invitation: Invitation) -> Invitation:
        """The invitation as its maker sees it, once."""
        return invitation.model_copy(update={"token": self._tokens.of(invitation.id)})

    async def list(self, subject: Subject) -> InvitationList:
        """The open ones, the newest first, without their tokens."""
        async with self._store.step() as repository:
            return InvitationList(items=await repository.invitations.open(subject.organization_id, self._clock()))

    async def revoke(self, subject: Subject, invitation_id: UUID) -> None:
        """Ends an open invitation at once. Raises 403 for one to a role above the caller's, 404."""
        async with self._store.step() as repository:
            actor = await hold_admin(repository, subject)
            role = await repository.invitations.role_offered(subject.organization_id, invitation_id=invitation_id)
            if role is None:
                raise not_found("open invitation", invitation_id)
            require_manages(actor, role)
            await repository.invitations.delete(subject.organization_id, invitation_id)
        audit_by(subject, "invitation.revoked", invitation_id=invitation_id)

    async def accept(self, subject: Subject, token: str) -> Organization:
        """The organisation that the caller has joined. Raises 403 for an API key or another's invitation, 404."""
        if subject.api_key_id:
            raise forbidden("An API key can't join an organization. Sign in with your password.")
        async with self._store.step() as repository:
            profile = await repository.profile(subject.user_id, subject.organization_id)
            if profile is None:
                raise unauthenticated(SESSION_ENDED)
            joined, invitation = await join(repository, token, subject.user_id, profile.email, self._clock())
            organizations = await repository.members.organizations_of(subject.user_id)
        audit_joined(joined, subject.user_id, invitation)
        row = next(row for row in organizations if row.id == joined)
        return Organization(id=row.id, name=row.name, role=row.role, current=row.id == subject.organization_id)
