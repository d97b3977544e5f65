"""The embedding service with its real model, started once."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from libs.config.settings import Settings
from libs.security.tokens import ServiceTokens
from libs.stores.weights import WeightsMissingError, WeightsStore
from services.embedding.main import build
from tests.loopback import until_ready


@pytest.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    try:
        WeightsStore(settings.models_dir).locate("minilm")
    except WeightsMissingError as missing:
        pytest.skip(str(missing))
    app = build(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="session")
async def client(app: FastAPI, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    tokens = ServiceTokens("knowledge", settings.secrets_dir)

    def signed(request: httpx.Request) -> httpx.Request:
        request.headers["X-Service-Token"] = tokens.sign("embedding")
        return request

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://embedding",
        auth=signed,
        timeout=60,
    ) as client:
        await until_ready(client)
        yield client
