"""knowledge as a server, its worker beside it, with real PostgreSQL, billing and embedding."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from libs.config.settings import ServiceName, Settings
from libs.contracts.identity import Role, Subject, TokenClaims
from libs.security.keys import USER_TOKENS, load_private_key
from libs.security.tokens import ServiceTokens, UserTokenSigner, keys_of_jwks
from libs.service.identity import Authenticator
from libs.stores.postgres import Database
from libs.stores.weights import WeightsMissingError, WeightsStore
from services.billing.main import build as build_billing
from services.embedding.main import build as build_embedding
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.main import build as build_knowledge
from services.knowledge.ports import PassageIndex
from services.knowledge.worker import work
from tests.loopback import serving

NOBODY = "http://127.0.0.1:9"
WAIT_S = 60.0
POLL_S = 0.05

Seen = TypeVar("Seen")


async def until(look: Callable[..., Awaitable[Seen]], *arguments: Any, found: Callable[[Seen], bool]) -> Seen:
    """What `look` sees as soon as it is what was to be `found`."""
    async with asyncio.timeout(WAIT_S):
        while True:
            seen = await look(*arguments)
            if found(seen):
                return seen
            await asyncio.sleep(POLL_S)


@dataclass
class Person:
    """A signed-in user. `add` waits until the document is indexed or has failed."""

    subject: Subject
    http: httpx.AsyncClient
    headers: dict[str, str]

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.get(path, headers=self.headers, **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.post(path, headers=self.headers, **options)

    async def patch(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.patch(path, headers=self.headers, **options)

    async def delete(self, path: str) -> httpx.Response:
        return await self.http.delete(path, headers=self.headers)

    async def send(self, text: str, title: str = "A page", **fields: Any) -> str:
        answer = await self.post("/documents", json={"title": title, "text": text, **fields})
        assert answer.status_code == 202, answer.text
        return answer.json()["document_id"]

    async def add(self, text: str, title: str = "A page", **fields: Any) -> str:
        document_id = await self.send(text, title, **fields)
        document = await self.finished(document_id)
        assert document["status"] == "completed", document
        return document_id

    async def upload(self, name: str, content: bytes, **fields: Any) -> dict[str, Any]:
        answer = await self.post("/documents", files={"file": (name, content)}, data=fields)
        assert answer.status_code == 202, answer.text
        return await self.finished(answer.json()["document_id"])

    async def show(self, document_id: str) -> dict[str, Any]:
        return (await self.get(f"/documents/{document_id}")).raise_for_status().json()

    async def finished(self, document_id: str) -> dict[str, Any]:
        return await until(self.show, document_id, found=lambda one: one["status"] in {"completed", "failed"})

    async def search(self, query: str, **fields: Any) -> list[dict[str, Any]]:
        answer = await self.post("/search", json={"query": query, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]

    async def contents(self, query: str, **fields: Any) -> list[str]:
        return [result["content"] for result in await self.search(query, **fields)]


class People:
    """Who is known; each session is a subject's own."""

    def __init__(self, settings: Settings) -> None:
        self._tokens = ServiceTokens("gateway", settings.secrets_dir)
        self._signer = UserTokenSigner(load_private_key(settings.secrets_dir / f"{USER_TOKENS}.key"), life_s=3600)
        self._subjects: dict[UUID, Subject] = {}
        self._keys = keys_of_jwks(self._signer.jwks())

    def person(
        self,
        http: httpx.AsyncClient,
        organization_id: UUID | None = None,
        role: Role = Role.MEMBER,
        groups: frozenset[UUID] = frozenset(),
    ) -> Person:
        claims = TokenClaims(user_id=uuid4(), organization_id=organization_id or uuid4(), session_id=uuid4())
        return self._known(http, claims, Subject(**claims.model_dump(), role=role, groups=groups))

    def guest(self, http: httpx.AsyncClient, organization_id: UUID, collections: Iterable[str] | None = None) -> Person:
        """Whoever holds a share link."""
        link = uuid4()
        claims = TokenClaims(user_id=link, organization_id=organization_id, session_id=link, share_link_id=link)
        shared = None if collections is None else frozenset(map(UUID, collections))
        return self._known(http, claims, Subject(**claims.model_dump(), role=Role.GUEST, shared_collections=shared))

    def _known(self, http: httpx.AsyncClient, claims: TokenClaims, subject: Subject) -> Person:
        self._subjects[claims.session_id] = subject
        headers = {
            "Authorization": f"Bearer {self._signer.sign(claims)}",
            "X-Service-Token": self._tokens.sign("knowledge"),
        }
        return Person(subject, http, headers)

    async def renew(self, request: httpx.Request) -> None:
        """A request's service token anew: one life of documents takes longer than a token's."""
        if "X-Service-Token" in request.headers:
            request.headers["X-Service-Token"] = self._tokens.sign("knowledge")

    def as_auth(self) -> FastAPI:
        """auth as another process asks it."""
        app = FastAPI()

        @app.get("/.well-known/jwks.json")
        async def jwks() -> dict[str, Any]:
            return self._signer.jwks()

        @app.post("/internal/subjects")
        async def subject(claims: TokenClaims) -> Subject:
            return self._subjects[claims.session_id]

        return app

    @asynccontextmanager
    async def serve(self, name: ServiceName, app: FastAPI, settings: Settings) -> AsyncIterator[str]:
        async def user_keys(_token: str):
            return self._keys

        async def resolve(claims: TokenClaims) -> Subject:
            return self._subjects[claims.session_id]

        async with serving(app) as url:
            app.state.authenticator = Authenticator(ServiceTokens(name, settings.secrets_dir), user_keys, resolve)
            yield url


@pytest.fixture(scope="session")
def people(settings: Settings) -> People:
    return People(settings)


@pytest.fixture(scope="session")
async def knowledge_settings(settings: Settings, people: People) -> AsyncIterator[Settings]:
    """Settings under which billing and embedding are found running."""
    try:
        WeightsStore(settings.models_dir).locate("minilm")
    except WeightsMissingError as missing:
        pytest.skip(str(missing))
    async with (
        people.serve("billing", build_billing(settings), settings) as billing,
        people.serve("embedding", build_embedding(settings), settings) as embedding,
        httpx.AsyncClient(timeout=WAIT_S) as http,
    ):
        await until(http.get, f"{embedding}/health/ready", found=lambda answer: answer.status_code == 200)
        urls: dict[ServiceName, str] = {"auth": NOBODY, "billing": billing, "embedding": embedding}
        yield settings.model_copy(update={"service_urls": urls})


@asynccontextmanager
async def client_of(settings: Settings, people: People) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        people.serve("knowledge", build_knowledge(settings), settings) as url,
        httpx.AsyncClient(base_url=url, timeout=60, event_hooks={"request": [people.renew]}) as client,
    ):
        yield client


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """A worker while the block runs."""
    task = asyncio.create_task(work(settings))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture(scope="session")
async def client(knowledge_settings: Settings, people: People) -> AsyncIterator[httpx.AsyncClient]:
    """The service without a worker."""
    async with client_of(knowledge_settings, people) as client:
        yield client


@pytest.fixture
def person(client: httpx.AsyncClient, people: People) -> Callable[..., Person]:
    """A new user, in a new organisation or the one given."""
    return lambda *arguments, **named: people.person(client, *arguments, **named)


@pytest.fixture
def guest(client: httpx.AsyncClient, people: People) -> Callable[..., Person]:
    """The holder of a new share link of an organisation, to all that is public or to the collections given."""
    return lambda *arguments, **named: people.guest(client, *arguments, **named)


@pytest.fixture(scope="module")
def frequent_sweeps() -> Iterator[None]:
    """Workers that start from now on soon pack, purge and erase; by themselves they look every few seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.knowledge.worker.SWEEP_EVERY_S", 0.3)
        yield


@pytest.fixture(scope="module")
async def worker(knowledge_settings: Settings) -> AsyncIterator[None]:
    async with working(knowledge_settings):
        yield


@pytest.fixture
async def database(knowledge_settings: Settings) -> AsyncIterator[Database]:
    opened = Database(knowledge_settings, "knowledge")
    yield opened
    await opened.close()


@pytest.fixture(params=["lancedb"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> PassageIndex:
    return LanceDbIndex(tmp_path, exact_below=1_000)


@pytest.fixture
async def no_other_sources(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("TRUNCATE sources CASCADE"))
