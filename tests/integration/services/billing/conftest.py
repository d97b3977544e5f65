"""billing with a real database, at a time that the test sets."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from httpx import ASGITransport, AsyncClient, Request

from libs.config.settings import Settings
from libs.contracts.identity import Role, Subject, TokenClaims
from libs.security.keys import OPERATOR, USER_TOKENS, load_private_key
from libs.security.tokens import ServiceTokens, UserTokenSigner, keys_of_jwks
from libs.service.identity import Authenticator
from libs.stores.postgres import Database
from services.billing.main import build
from services.billing.repository import BillingStore
from services.billing.service import Billing

NOON = datetime(2026, 5, 15, 12, 0, tzinfo=UTC)


class SetClock:
    """A clock that stands still until the test moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="session")
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings, "billing")
    yield database
    await database.close()


@pytest.fixture
def billing(database: Database, clock: SetClock) -> Billing:
    return Billing(BillingStore(database), clock)


@pytest.fixture(scope="session")
def signer(settings: Settings) -> UserTokenSigner:
    return UserTokenSigner(load_private_key(settings.secrets_dir / f"{USER_TOKENS}.key"), life_s=60)


@pytest.fixture(scope="session")
async def http(settings: Settings, signer: UserTokenSigner) -> AsyncIterator[AsyncClient]:
    """billing's own app, asked by the gateway; every signed-in user is a member of the token's organisation."""
    app = build(settings)
    keys = keys_of_jwks(signer.jwks())

    async def user_keys(_token: str):
        return keys

    async def member(claims: TokenClaims) -> Subject:
        return Subject(**claims.model_dump(), role=Role.MEMBER)

    tokens = ServiceTokens("gateway", settings.secrets_dir)

    async def sign(request: Request) -> None:
        # Anew for each request: the tests together may take longer than a service token lives.
        request.headers.setdefault("X-Service-Token", tokens.sign("billing"))

    async with app.router.lifespan_context(app):
        app.state.authenticator = Authenticator(ServiceTokens("billing", settings.secrets_dir), user_keys, member)
        # So that neither a day nor a month ends between two calls.
        app.state.billing._clock = SetClock()
        transport, hooks = ASGITransport(app), {"request": [sign]}
        async with AsyncClient(transport=transport, base_url="http://billing", event_hooks=hooks) as client:
            yield client


@pytest.fixture
def operator(settings: Settings) -> dict[str, str]:
    return {"X-Service-Token": ServiceTokens(OPERATOR, settings.secrets_dir).sign("billing")}
