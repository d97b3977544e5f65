"""chat as a server, with real PostgreSQL, Valkey, billing and embedding; knowledge and generation are scripted."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import text

from libs.config.settings import ServiceName, Settings
from libs.contracts.identity import Role, Subject, TokenClaims
from libs.security.keys import USER_TOKENS, load_private_key
from libs.security.tokens import ServiceTokens, UserTokenSigner, keys_of_jwks
from libs.service.identity import Authenticator
from libs.stores.postgres import Database
from libs.stores.weights import WeightsMissingError, WeightsStore
from services.billing.main import build as build_billing
from services.chat.main import build as build_chat
from services.embedding.main import build as build_embedding
from tests.integration.services.chat.moderator import Moderator, moderation
from tests.integration.services.chat.neighbours import ScriptedGeneration, ScriptedKnowledge
from tests.loopback import serving, until_ready

NOBODY = "http://127.0.0.1:9"
# Whoever isn't here is a member.
ADMINS: set[UUID] = set()
# What an answer waits for so long and then does without.
BOUNDS = (
    "services.chat.answer_cache.cache.STANDING_TIMEOUT_S",
    "services.chat.answer_cache.cache.EMBED_TIMEOUT_S",
    "services.chat.floor.LONGEST_WAIT_S",
    "services.chat.run.SETTLE_NOW_S",
)
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Person:
    user_id: UUID
    organization_id: UUID
    headers: dict[str, str]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers do without nothing because this machine is busy, and are kept for the models that there are now."""
    for bound in BOUNDS:
        monkeypatch.setattr(bound, PATIENCE_S)
    # An earlier test's models, believed for 5 s, would end between two questions of this one.
    monkeypatch.setattr("services.chat.answer_cache.revision.BELIEVED_S", 0)


@pytest.fixture(scope="session")
def signer(settings: Settings) -> UserTokenSigner:
    return UserTokenSigner(load_private_key(settings.secrets_dir / f"{USER_TOKENS}.key"), life_s=3600)


@pytest.fixture(scope="session")
def person(settings: Settings, signer: UserTokenSigner) -> Callable[..., Person]:
    """A new person, in a new organisation or the one given."""

    def make(organization_id: UUID | None = None, *, admin: bool = False) -> Person:
        claims = TokenClaims(user_id=uuid4(), organization_id=organization_id or uuid4(), session_id=uuid4())
        service_token = ServiceTokens("gateway", settings.secrets_dir).sign("chat")
        headers = {"Authorization": f"Bearer {signer.sign(claims)}", "X-Service-Token": service_token}
        if admin:
            ADMINS.add(claims.user_id)
        return Person(claims.user_id, claims.organization_id, headers)

    return make


@asynccontextmanager
async def knowing_users(
    name: ServiceName, app: FastAPI, settings: Settings, signer: UserTokenSigner
) -> AsyncIterator[str]:
    """The app on loopback; every signed-in user is a member of the token's organisation."""
    keys = keys_of_jwks(signer.jwks())

    async def user_keys(_token: str):
        return keys

    async def member(claims: TokenClaims) -> Subject:
        role = Role.ADMIN if claims.user_id in ADMINS else Role.MEMBER
        return Subject(**claims.model_dump(), role=role)

    async with serving(app) as url:
        app.state.authenticator = Authenticator(ServiceTokens(name, settings.secrets_dir), user_keys, member)
        yield url


@pytest.fixture(scope="session")
async def billing_url(settings: Settings, signer: UserTokenSigner) -> AsyncIterator[str]:
    async with knowing_users("billing", build_billing(settings), settings, signer) as url:
        yield url


@pytest.fixture(scope="session")
async def embedding_url(settings: Settings, signer: UserTokenSigner) -> AsyncIterator[str]:
    try:
        WeightsStore(settings.models_dir).locate("minilm")
    except WeightsMissingError as missing:
        pytest.skip(str(missing))
    async with knowing_users("embedding", build_embedding(settings), settings, signer) as url:
        async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
            await until_ready(http, url)
        yield url


@pytest.fixture(scope="session")
async def served_knowledge() -> AsyncIterator[tuple[ScriptedKnowledge, str]]:
    scripted = ScriptedKnowledge()
    async with serving(scripted.app) as url:
        yield scripted, url


@pytest.fixture(scope="session")
async def served_generation() -> AsyncIterator[tuple[ScriptedGeneration, str]]:
    scripted = ScriptedGeneration()
    async with serving(scripted.app) as url:
        yield scripted, url


@pytest.fixture
def knowledge(served_knowledge: tuple[ScriptedKnowledge, str]) -> ScriptedKnowledge:
    served_knowledge[0].reset()
    return served_knowledge[0]


@pytest.fixture
async def generation(served_generation: tuple[ScriptedGeneration, str]) -> ScriptedGeneration:
    served_generation[0].reset()
    return served_generation[0]


@pytest.fixture(scope="session")
def chat_settings(
    settings: Settings,
    billing_url: str,
    embedding_url: str,
    served_knowledge: tuple[ScriptedKnowledge, str],
    served_generation: tuple[ScriptedGeneration, str],
) -> Settings:
    urls: dict[ServiceName, str] = {
        "billing": billing_url,
        "embedding": embedding_url,
        "knowledge": served_knowledge[1],
        "generation": served_generation[1],
    }
    return settings.model_copy(update={"service_urls": urls})


@pytest.fixture(scope="session")
def serve_chat(chat_settings: Settings, signer: UserTokenSigner):
    """A chat service of one's own: `changes` are settings under `chat`, `away` services that can't be reached.

    `embedding` are settings under that key, `embedding_url` is where a service with them is.
    """

    @asynccontextmanager
    async def serve(
        *,
        away: tuple[ServiceName, ...] = (),
        redis_url: str = "",
        embedding_url: str = "",
        embedding: Mapping[str, object] | None = None,
        **changes: object,
    ) -> AsyncIterator[httpx.AsyncClient]:
        urls = chat_settings.service_urls | dict.fromkeys(away, NOBODY)
        if embedding_url:
            urls["embedding"] = embedding_url
        changed = chat_settings.model_copy(
            update={
                "service_urls": urls,
                "redis_url": redis_url or chat_settings.redis_url,
                "chat": chat_settings.chat.model_copy(update=changes),
                "embedding": chat_settings.embedding.model_copy(update=embedding or {}),
            }
        )
        async with (
            knowing_users("chat", build_chat(changed), changed, signer) as url,
            httpx.AsyncClient(base_url=url, timeout=30) as client,
        ):
            yield client

    return serve


@pytest.fixture(scope="session")
async def shared_chat(serve_chat) -> AsyncIterator[httpx.AsyncClient]:
    async with serve_chat() as client:
        yield client


@pytest.fixture
def chat(
    shared_chat: httpx.AsyncClient,
    knowledge: ScriptedKnowledge,
    generation: ScriptedGeneration,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> httpx.AsyncClient:
    """The running service, which asks anew what there is, its neighbours forgetting what earlier tests told them."""
    monkeypatch.setattr("services.chat.generators.KNOWN_FOR_S", 0)
    return shared_chat


@pytest.fixture(scope="session")
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings, "chat")
    yield database
    await database.close()


@pytest.fixture
def query(database: Database):
    """Rows of a statement, for tests that look at what was stored."""

    async def rows(statement: str, **values: object) -> list[dict[str, object]]:
        async with database.transaction() as session:
            result = await session.execute(text(statement), values)
            return [dict(row) for row in result.mappings()]

    return rows


@pytest.fixture
def moderator(served_moderator: tuple[Moderator, str]) -> Moderator:
    moderator = served_moderator[0]
    moderator.words, moderator.seen, moderator.headers, moderator.broken = [], [], [], False
    return moderator


@pytest.fixture(scope="session")
async def served_moderator() -> AsyncIterator[tuple[Moderator, str]]:
    moderator = Moderator()
    async with serving(moderator.app) as url:
        yield moderator, url


@pytest.fixture(scope="session")
async def guarded(serve_chat, served_moderator) -> AsyncIterator[httpx.AsyncClient]:
    """A chat service whose operator has a moderation service, and closes where it is away."""
    service = moderation(f"{served_moderator[1]}/v1")
    async with serve_chat(moderation=service, phone_regions=["US"]) as client:
        yield client


@pytest.fixture
def admin_of(person):
    """An admin of a new organisation with a policy of its own."""

    async def make(client: httpx.AsyncClient, **policy: object):
        admin = person(admin=True)
        assert (await client.patch("/admin/answers", json=policy, headers=admin.headers)).status_code == 200
        return admin

    return make
