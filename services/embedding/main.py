"""The embedding service's composition root."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from libs.config.live import LiveSettings
from libs.config.settings import Settings
from libs.service.app import Kit, create_app
from libs.stores.redis import connect_redis
from libs.stores.weights import WeightsStore
from services.embedding.adapters.redis_vectors import RedisVectors
from services.embedding.adapters.remote import RemoteEncoder
from services.embedding.backends import load_model
from services.embedding.cache import VectorCache
from services.embedding.local import LocalEncoder
from services.embedding.ports import Encoder
from services.embedding.registry import ModelRegistry
from services.embedding.routes import router
from services.embedding.service import EmbeddingService


@asynccontextmanager
async def wire(kit: Kit) -> AsyncGenerator[None]:
    options = kit.settings.embedding
    store = WeightsStore(kit.settings.models_dir)
    cache = VectorCache(options.cache_entries)
    shared = RedisVectors(connect_redis(kit.settings), options.shared_cache_s) if options.shared_cache_s else None

    async def load(name: str) -> Encoder:
        remote = options.remotes.get(name)
        if remote:
            encoder = RemoteEncoder(name, remote, cache, shared, options.max_waiting)
            await encoder.connect()
            return encoder
        model = await asyncio.to_thread(load_model, options.backend, name, store)
        return LocalEncoder(model, cache, shared, options.max_batch_tokens, options.max_waiting)

    registry = ModelRegistry(load)
    live = LiveSettings(kit.settings)

    async def serve(settings: Settings) -> None:
        registry.serve(settings.embedding.model, settings.embedding.also)

    live.on_change(serve)
    await serve(live.current)
    kit.app.state.embedding = EmbeddingService(registry, options.max_waiting)
    kit.health.add("model", registry.check)
    kit.health.add("other models", registry.check_others, needed=False)
    kit.health.add("overrides", live.check, needed=False)
    watching = asyncio.create_task(live.watch())
    yield
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    await registry.stop()
    if shared:
        await shared.close()


def build(settings: Settings) -> FastAPI:
    return create_app("embedding", settings, wire, [router])
