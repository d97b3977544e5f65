"""generation as a server: with a real small model, and with upstreams that fail in every way."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.config.generation import Generation
from libs.config.settings import Settings
from libs.security.keys import OPERATOR
from libs.security.tokens import ServiceTokens
from libs.stores.weights import WeightsStore
from services.generation.main import build
from tests.integration.services.generation.upstreams import UPSTREAM_KEY, Upstreams
from tests.loopback import serving, until_ready

CONTEXT = 1024

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Caller(httpx.Auth):
    """Signs each request anew: a service token lives for a minute."""

    def __init__(self, settings: Settings, name: str = "chat") -> None:
        self._tokens = ServiceTokens(name, settings.secrets_dir)

    def auth_flow(self, request: httpx.Request):
        request.headers["X-Service-Token"] = self._tokens.sign("generation")
        yield request


class Trusting:
    """The service to callers who know the upstream's key alone, as a vendor's is."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._tokens = ServiceTokens("chat", settings.secrets_dir)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (b"authorization", f"Bearer {UPSTREAM_KEY}".encode()) in scope["headers"]:
            token = (b"x-service-token", self._tokens.sign("generation").encode())
            scope = {**scope, "headers": [*scope["headers"], token]}
        await self._app(scope, receive, send)


@pytest.fixture(scope="session")
def serve(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """A generation service of one's own; `options` are settings under `generation`, checked as a file's are."""

    @asynccontextmanager
    async def serving_generation(overrides: Path | None = None, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        file = overrides or tmp_path_factory.mktemp("overrides") / "overrides.yaml"
        generation = Generation.model_validate({**dict(settings.generation), "engine": "extractive", **options})
        changed = settings.model_copy(update={"generation": generation, "overrides_file": str(file)})
        async with (
            serving(build(changed)) as url,
            httpx.AsyncClient(base_url=url, auth=Caller(settings), timeout=60) as client,
        ):
            await until_ready(client)
            yield client

    return serving_generation


@pytest.fixture(scope="session")
async def upstreams() -> AsyncIterator[Upstreams]:
    upstreams = Upstreams()
    async with serving(upstreams.app) as url:
        upstreams.url = f"{url}/v1"
        yield upstreams
        upstreams.release.set()


@pytest.fixture(scope="session")
async def with_model(settings: Settings, models_dir: Path) -> AsyncIterator[str]:
    """The address of a service whose model is SmolLM2, also for callers who know the upstream's key."""
    WeightsStore(models_dir).fetch("smollm2")
    generation = settings.generation.model_copy(update={"engine": "smollm2", "context_tokens": CONTEXT})
    changed = settings.model_copy(update={"generation": generation})
    async with serving(Trusting(build(changed), settings)) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:
        await until_ready(http)
        yield url


@pytest.fixture
async def model(with_model: str, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=with_model, auth=Caller(settings), timeout=60) as client:
        yield client


@pytest.fixture
async def client(with_model: str) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's own package; failures are shown at once, not tried again."""
    async with openai.AsyncOpenAI(api_key=UPSTREAM_KEY, base_url=f"{with_model}/v1", max_retries=0) as client:
        yield client


@pytest.fixture
def operator(settings: Settings) -> Caller:
    return Caller(settings, OPERATOR)
