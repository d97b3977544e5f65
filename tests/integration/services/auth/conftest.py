"""auth with real stores, asked by the gateway."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Request, Response

from libs.config.settings import Settings
from libs.contracts.identity import TokenClaims, TokenPair, User
from libs.security.keys import OPERATOR, USER_TOKENS, load_private_key
from libs.security.tokens import ServiceTokens, UserTokenSigner, keys_of_jwks, verify_user_token
from libs.stores.postgres import Database
from services.auth.main import build
from tests.quick_passwords import make_quick

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """Someone signed in."""

    user: User
    tokens: TokenPair
    claims: TokenClaims

    @property
    def organization(self) -> str:
        """The path of the organisation that the tokens are for."""
        return f"/organizations/{self.claims.organization_id}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens.access_token}"}


class SetClock:
    """A clock that stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = build(settings)
    async with app.router.lifespan_context(app):
        make_quick(app.state.auth.sessions._passwords)
        yield app


@pytest.fixture(scope="session")
async def http(app: FastAPI, settings: Settings) -> AsyncIterator[AsyncClient]:
    tokens = ServiceTokens("gateway", settings.secrets_dir)

    async def sign(request: Request) -> None:
        # Anew for each request: the tests together take longer than a service token lives.
        request.headers.setdefault("X-Service-Token", tokens.sign("auth"))

    transport, hooks = ASGITransport(app), {"request": [sign]}
    async with AsyncClient(transport=transport, base_url="http://auth", event_hooks=hooks) as client:
        yield client


@pytest.fixture
def clock(app: FastAPI) -> Iterator[SetClock]:
    """Sessions, invitations and share links at a time that the test sets."""
    clock = SetClock()
    auth = app.state.auth
    timed = [auth.sessions, auth.invitations, auth.share_links, auth.subjects]
    real = timed[0]._clock
    for service in timed:
        service._clock = clock
    yield clock
    for service in timed:
        service._clock = real


@pytest.fixture(scope="session")
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings, "auth")
    yield database
    await database.close()


@pytest.fixture
def operator(settings: Settings) -> dict[str, str]:
    return {"X-Service-Token": ServiceTokens(OPERATOR, settings.secrets_dir).sign("auth")}


@pytest.fixture(scope="session")
def signer(settings: Settings) -> UserTokenSigner:
    return UserTokenSigner(load_private_key(settings.secrets_dir / f"{USER_TOKENS}.key"), life_s=60)


@pytest.fixture
async def ada(http: AsyncClient, signer: UserTokenSigner) -> Person:
    return await sign_up(http, signer)


async def sign_up(http: AsyncClient, signer: UserTokenSigner, organization_name: str | None = None) -> Person:
    """A new user, signed in."""
    return await _signed_up(http, signer, organization_name=organization_name)


async def invite(http: AsyncClient, admin: Person, email: str, role: str = "member", **fields: Any) -> Response:
    return await http.post(
        f"{admin.organization}/invitations", json={"email": email, "role": role, **fields}, headers=admin.headers
    )


async def join(http: AsyncClient, signer: UserTokenSigner, admin: Person, role: str = "member") -> Person:
    """A new user who registers with an invitation, signed in to the inviting organisation alone."""
    email = f"{uuid4().hex}@example.com"
    invitation = await invite(http, admin, email, role)
    assert invitation.status_code == 201, invitation.text
    return await _signed_up(http, signer, email, invitation_token=invitation.json()["token"])


async def _signed_up(
    http: AsyncClient, signer: UserTokenSigner, email: str | None = None, **fields: str | None
) -> Person:
    email = email or f"{uuid4().hex}@example.com"
    answer = await http.post("/auth/register", json={"email": email, "password": PASSWORD, **fields})
    assert answer.status_code == 201, answer.text
    user = User.model_validate_json(answer.content)
    login = await http.post("/auth/login", json={"email": email, "password": PASSWORD})
    return person_of(user, TokenPair.model_validate_json(login.content), signer)


def person_of(user: User, tokens: TokenPair, signer: UserTokenSigner) -> Person:
    return Person(user, tokens, verify_user_token(tokens.access_token, keys_of_jwks(signer.jwks())))
