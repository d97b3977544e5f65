"""Who may call: one Annotated dependency per rule, the same for browser, API key and stream."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Depends, Request

from libs.clients.auth import AuthClient
from libs.contracts.errors import forbidden, unauthenticated
from libs.contracts.identity import Role, Subject, TokenClaims
from libs.security.keys import OPERATOR
from libs.security.tokens import ServiceTokens, keys_of_jwks, token_key_id, verify_user_token

GUESTS_READ_ALONE = "A share link only finds and reads public documents. Sign in for anything else."

# So long a token that was verified, and the subject that auth told for it, are believed.
SUBJECT_LIFE_S = 1.0
SUBJECTS_KEPT = 10_000
JWKS_REFRESH_S = 5.0

Keys = Mapping[str, Ed25519PublicKey]


class UserKeys:
    """auth's public keys, asked for again when a token names one that isn't known (a rotation)."""

    def __init__(self, auth: AuthClient) -> None:
        self._auth = auth
        self._keys: Keys = {}
        self._asked_at = float("-inf")

    async def for_token(self, token: str) -> Keys:
        unknown = token_key_id(token) not in self._keys
        if unknown and time.monotonic() - self._asked_at > JWKS_REFRESH_S:
            jwks = await self._auth.jwks()
            self._keys = keys_of_jwks(jwks.model_dump())
            self._asked_at = time.monotonic()
        return self._keys


class SubjectCache:
    """Subjects as auth told them, for at most a second: a removal counts within that."""

    def __init__(self, fetch: Callable[[TokenClaims], Awaitable[Subject]]) -> None:
        self._fetch = fetch
        self._known: OrderedDict[TokenClaims, tuple[Subject, float]] = OrderedDict()

    async def resolve(self, claims: TokenClaims) -> Subject:
        known = self._known.get(claims)
        now = time.monotonic()
        if known and now < known[1]:
            return known[0]
        subject = await self._fetch(claims)
        self._known[claims] = (subject, now + SUBJECT_LIFE_S)
        self._known.move_to_end(claims)
        if len(self._known) > SUBJECTS_KEPT:
            self._known.popitem(last=False)
        return subject


class Authenticator:
    """From a request's headers to the calling service and the subject. Raises 401; 503 where auth can't be asked."""

    def __init__(
        self,
        services: ServiceTokens,
        user_keys: Callable[[str], Awaitable[Keys]],
        resolve: Callable[[TokenClaims], Awaitable[Subject]],
    ) -> None:
        self._services = services
        self._user_keys = user_keys
        self._resolve = resolve
        self._verified: OrderedDict[str, tuple[TokenClaims, float]] = OrderedDict()

    def service(self, request: Request) -> str:
        token = request.headers.get("x-service-token")
        if not token:
            raise unauthenticated("This address is for Footnote's own services. Use the gateway.")
        return self._services.verify(token)

    async def subject(self, authorization: str | None) -> Subject:
        return await self._resolve(await self.claims(authorization))

    async def claims(self, authorization: str | None) -> TokenClaims:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthenticated("Sign in, then send the access token as 'Authorization: Bearer …'.")
        token = token.strip()
        now = time.monotonic()
        claims, until = self._verified.get(token, (None, 0.0))
        if claims is None or now >= until:
            claims = verify_user_token(token, await self._user_keys(token))
            self._verified[token] = (claims, now + SUBJECT_LIFE_S)
            self._verified.move_to_end(token)
            if len(self._verified) > SUBJECTS_KEPT:
                self._verified.popitem(last=False)
        return claims


def authenticator_of(request: Request) -> Authenticator:
    authenticator: Authenticator = request.app.state.authenticator
    return authenticator


async def require_service(request: Request) -> str:
    """The calling service; 401 for anyone else.

    Not in a thread, as a plain function would be: a busy machine is slow to give one its turn.
    """
    return authenticator_of(request).service(request)


async def require_operator(request: Request) -> str:
    """Only the operator's command line, which holds the operator's key."""
    caller = authenticator_of(request).service(request)
    if caller != OPERATOR:
        raise forbidden(f"Only the operator may do this, not {caller!r}.")
    return caller


async def require_reader(request: Request) -> Subject:
    """The caller, who may be a guest: for the few routes that read public documents. 401 without one."""
    return await authenticator_of(request).subject(request.headers.get("authorization"))


async def require_subject(subject: Annotated[Subject, Depends(require_reader)]) -> Subject:
    """The signed-in caller; 401 without one, 403 for a guest."""
    if subject.role is Role.GUEST:
        raise forbidden(GUESTS_READ_ALONE)
    return subject


async def require_admin(subject: Annotated[Subject, Depends(require_subject)]) -> Subject:
    """An owner or admin of the caller's organisation; 403 for its other members."""
    if subject.role not in (Role.OWNER, Role.ADMIN):
        raise forbidden("Only an owner or admin of your organisation may do this. Ask one of them.")
    return subject


Reader = Annotated[Subject, Depends(require_reader)]
CurrentSubject = Annotated[Subject, Depends(require_subject)]
AdminSubject = Annotated[Subject, Depends(require_admin)]
CallingService = Annotated[str, Depends(require_service)]
Operator = Annotated[str, Depends(require_operator)]
