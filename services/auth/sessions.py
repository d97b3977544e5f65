"""Signing up, in, on and out."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from libs.contracts.errors import ErrorCode, FootnoteError, forbidden, unauthenticated
from libs.contracts.identity import (
    LoginRequest,
    RefreshRequest,
    RegisterRequest,
    Role,
    Subject,
    TokenClaims,
    TokenPair,
    User,
)
from libs.security.passwords import PasswordHasher
from libs.security.tokens import UserTokenSigner
from libs.telemetry.logs import get_logger
from services.auth.attempts import LoginAttempts
from services.auth.audit import audit_joined
from services.auth.credentials import RefreshTokens, hash_of
from services.auth.joining import join
from services.auth.names import display_name, invalid, name_of_personal_organization, normal_email
from services.auth.repository import AuthRepository, AuthStore, HeldRefreshToken, Profile

log = get_logger(__name__)

# Two tabs, or one whose answer got lost, may show the same refresh token again within this time.
REFRESH_GRACE = timedelta(seconds=10)

WRONG_CREDENTIALS = "The e-mail address or the password is wrong."
SESSION_ENDED = "The session has ended. Sign in again."
NO_ORGANIZATION = (
    "You aren't a member of any organization any more. Ask one of its admins for an invitation, then sign in with its "
    "token as 'invitation_token'."
)

Clock = Callable[[], datetime]


class Sessions:
    """Users' own way in: a password opens a session, its refresh tokens keep it open."""

    def __init__(
        self,
        *,
        store: AuthStore,
        passwords: PasswordHasher,
        attempts: LoginAttempts,
        signer: UserTokenSigner,
        refresh_tokens: RefreshTokens,
        refresh_life: timedelta,
        clock: Clock,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._attempts = attempts
        self._signer = signer
        self._refresh_tokens = refresh_tokens
        self._refresh_life = refresh_life
        self._clock = clock

    async def register(self, request: RegisterRequest) -> User:
        """A new user: a member of the organisation that invited them, or the owner of a new one.

        Raises 409 where the address is taken, 403 and 404 for an invitation that isn't theirs or doesn't count.
        """
        email = normal_email(request.email)
        if email is None:
            raise invalid("email", "must be an e-mail address")
        given = request.organization_name
        name = name_of_personal_organization(email) if given is None else display_name(given, "organization_name")
        password_hash = await self._passwords.hash(request.password)
        now, invitation, profile = self._clock(), None, None
        async with self._store.step() as repository:
            user_id = await repository.add_user(email, password_hash, now)
            if user_id and request.invitation_token is not None:
                organization_id, invitation = await join(repository, request.invitation_token, user_id, email, now)
                profile = await repository.profile(user_id, organization_id)
            elif user_id:
                profile = await repository.profile(user_id, await repository.add_organization(name, user_id))
        if profile is None:
            raise FootnoteError(
                ErrorCode.CONFLICT, f"There is an account for {email!r} already. Sign in, or use another address.", 409
            )
        if invitation:
            audit_joined(profile.organization_id, profile.user_id, invitation)
        return user_of(profile)

    async def login(self, request: LoginRequest) -> TokenPair:
        """A new session in the organisation that is named or joined, else the one used last.

        Raises 401 in the same words and time for a wrong password and an unknown user; 429; 403 where the user isn't a
        member there or anywhere, and what `join` raises.
        """
        email = normal_email(request.email)
        counted_as = email or request.email
        await self._attempts.begin(counted_as)
        account = None
        if email is not None:
            async with self._store.step() as repository:
                account = await repository.account(email)
        verdict = await self._passwords.verify(request.password, account.password_hash if account else None)
        if email is None or account is None or not verdict.correct:
            raise unauthenticated(WRONG_CREDENTIALS)
        await self._attempts.succeeded(counted_as)
        now, joined = self._clock(), None
        token = self._refresh_tokens.first()
        async with self._store.step() as repository:
            if verdict.replacement:
                await repository.replace_password_hash(account.user_id, verdict.replacement)
            if request.invitation_token is not None:
                joined = await join(repository, request.invitation_token, account.user_id, email, now)
            organization_id = request.organization_id or (joined[0] if joined else account.organization_id)
            if organization_id is None:
                raise forbidden(NO_ORGANIZATION)
            if not await repository.members.hold(organization_id, account.user_id):
                raise _no_member(organization_id)
            expires_at = now + self._refresh_life
            claims = await repository.add_session(account.user_id, organization_id, now, expires_at)
            await repository.add_refresh_token(claims.session_id, hash_of(token), now, expires_at)
        if joined:
            audit_joined(joined[0], account.user_id, joined[1])
        return self._pair(claims, token)

    async def refresh(self, request: RefreshRequest) -> TokenPair:
        """The next pair of a session, in the organisation named or else the session's; the token shown counts no more.

        Shown again within 10 s, while its successor is unused, it brings the same successor, so that two tabs don't
        sign each other out. Shown later, or after the successor was used, it was stolen or its thief has gone first:
        the session ends for both. Raises 401, and 403 where the user isn't a member of the organisation named.
        """
        token = request.refresh_token
        token_hash = hash_of(token)
        async with self._store.step() as repository:
            named = await repository.session_of(token_hash)
            if named is None:
                raise unauthenticated(SESSION_ENDED)
            organization_id = request.organization_id or named.organization_id
            # The membership before the session: the order in which a removal locks them.
            if not await repository.members.hold(organization_id, named.user_id):
                raise _no_member(organization_id) if request.organization_id else unauthenticated(SESSION_ENDED)
            held = await repository.hold_refresh_token(token_hash)
            successor = None if held is None else await self._successor(repository, held, token)
            if held and successor and organization_id != held.claims.organization_id:
                await repository.move_session(held.claims.session_id, organization_id)
        # Raised only now: the end of a session is to be committed, not rolled back.
        if held is None or successor is None:
            raise unauthenticated(SESSION_ENDED)
        return self._pair(held.claims.model_copy(update={"organization_id": organization_id}), successor)

    async def _successor(self, repository: AuthRepository, held: HeldRefreshToken, token: str) -> str | None:
        """The token after this one; None where the session has ended or ends now."""
        now = self._clock()
        session_id = held.claims.session_id
        if held.session_revoked or held.expires_at <= now:
            return None
        successor = self._refresh_tokens.after(token)
        if held.used_at is None:
            await repository.use_refresh_token(hash_of(token), now)
            await repository.add_refresh_token(session_id, hash_of(successor), now, now + self._refresh_life)
            return successor
        if now - held.used_at <= REFRESH_GRACE and await repository.is_unused(hash_of(successor)):
            return successor
        log.warning("refresh token reused, session ended", session_id=str(session_id))
        await repository.end_session(session_id, now)
        return None

    async def logout(self, subject: Subject) -> None:
        """Ends the session at once. Raises 403 for an API key, which has none."""
        if subject.api_key_id:
            raise forbidden("An API key has no session to end. Revoke the key instead.")
        async with self._store.step() as repository:
            await repository.end_session(subject.session_id, self._clock())

    async def me(self, subject: Subject) -> User:
        async with self._store.step() as repository:
            profile = await repository.profile(subject.user_id, subject.organization_id)
        if profile is None:
            raise unauthenticated(SESSION_ENDED)
        return user_of(profile)

    def _pair(self, claims: TokenClaims, refresh_token: str) -> TokenPair:
        return TokenPair(
            access_token=self._signer.sign(claims), refresh_token=refresh_token, expires_in=self._signer.life_s
        )


def _no_member(organization_id: UUID) -> FootnoteError:
    """In the same words for an organisation that there isn't."""
    return forbidden(
        f"You aren't a member of the organization {str(organization_id)!r}. GET /organizations lists yours."
    )


def user_of(profile: Profile) -> User:
    return User(
        id=profile.user_id,
        email=profile.email,
        organization_id=profile.organization_id,
        organization_name=profile.organization_name,
        roles=[Role(profile.role)],
        created_at=profile.created_at,
    )
