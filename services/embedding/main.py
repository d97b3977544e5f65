"""The embedding service's composition root."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial

from fastapi import FastAPI

from libs.config.settings import Settings
from libs.service.app import Kit, create_app
from libs.stores.weights import WeightsStore
from services.embedding.backends import load_model, public_id
from services.embedding.cache import VectorCache
from services.embedding.routes import router
from services.embedding.service import EmbeddingService


@asynccontextmanager
async def wire(kit: Kit) -> AsyncGenerator[None]:
    options = kit.settings.embedding
    load = partial(load_model, options.backend, options.model, WeightsStore(kit.settings.models_dir))
    cache = VectorCache(options.cache_entries)
    service = EmbeddingService(
        load, public_id(options.model), options.model, cache, options.max_batch_tokens, options.max_waiting
    )
    kit.app.state.embedding = service
    kit.health.add("model", service.check)
    running = asyncio.create_task(service.run())
    yield
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def build(settings: Settings) -> FastAPI:
    return create_app("embedding", settings, wire, [router])
