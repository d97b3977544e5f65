"""Signing up, in, on and out."""

from collections.abc import Callable
from datetime import datetime, timedelta

from libs.contracts.errors import ErrorCode, FootnoteError, forbidden, unauthenticated
from libs.contracts.identity import LoginRequest, RegisterRequest, Role, Subject, TokenClaims, TokenPair, User
from libs.security.passwords import PasswordHasher
from libs.security.tokens import UserTokenSigner
from libs.telemetry.logs import get_logger
from services.auth.attempts import LoginAttempts
from services.auth.credentials import RefreshTokens, hash_of
from services.auth.names import display_name, invalid, name_of_personal_organization, normal_email
from services.auth.repository import AuthRepository, AuthStore, HeldRefreshToken, Profile

log = get_logger(__name__)

# Two tabs, or one whose answer got lost, may show the same refresh token again within this time.
REFRESH_GRACE = timedelta(seconds=10)

WRONG_CREDENTIALS = "The e-mail address or the password is wrong."
SESSION_ENDED = "The session has ended. Sign in again."

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
        """A new user as the owner of a personal organisation. Raises 409 where the address is taken."""
        email = normal_email(request.email)
        if email is None:
            raise invalid("email", "must be an e-mail address")
        given = request.organization_name
        name = name_of_personal_organization(email) if given is None else display_name(given, "organization_name")
        password_hash = await self._passwords.hash(request.password)
        async with self._store.step() as repository:
            profile = await repository.add_user(email, password_hash, name, self._clock())
        if profile is None:
            raise FootnoteError(
                ErrorCode.CONFLICT, f"There is an account for {email!r} already. Sign in, or use another address.", 409
            )
        return user_of(profile)

    async def login(self, request: LoginRequest) -> TokenPair:
        """A new session. Raises 401 in the same words and time for a wrong password and an unknown user; 429."""
        email = normal_email(request.email)
        counted_as = email or request.email
        await self._attempts.begin(counted_as)
        account = None
        if email is not None:
            async with self._store.step() as repository:
                account = await repository.account(email)
        verdict = await self._passwords.verify(request.password, account.password_hash if account else None)
        if account is None or not verdict.correct:
            raise unauthenticated(WRONG_CREDENTIALS)
        await self._attempts.succeeded(counted_as)
        now = self._clock()
        token = self._refresh_tokens.first()
        async with self._store.step() as repository:
            if verdict.replacement:
                await repository.replace_password_hash(account.user_id, verdict.replacement)
            expires_at = now + self._refresh_life
            claims = await repository.add_session(account.user_id, account.organization_id, now, expires_at)
            await repository.add_refresh_token(claims.session_id, hash_of(token), now, expires_at)
        return self._pair(claims, token)

    async def refresh(self, token: str) -> TokenPair:
        """The next pair of a session; the token shown counts no more.

        Shown again within 10 s, while its successor is unused, it brings the same successor, so that two tabs don't
        sign each other out. Shown later, or after the successor was used, it was stolen or its thief has gone first:
        the session ends for both. Raises 401.
        """
        async with self._store.step() as repository:
            held = await repository.hold_refresh_token(hash_of(token))
            successor = None if held is None else await self._successor(repository, held, token)
        # Raised only now: the end of a session is to be committed, not rolled back.
        if held is None or successor is None:
            raise unauthenticated(SESSION_ENDED)
        return self._pair(held.claims, successor)

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


def user_of(profile: Profile) -> User:
    return User(
        id=profile.user_id,
        email=profile.email,
        organization_id=profile.organization_id,
        organization_name=profile.organization_name,
        roles=[Role(profile.role)],
        created_at=profile.created_at,
    )
