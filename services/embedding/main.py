"""The embedding service's composition root."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from libs.config.live import LiveSettings
from libs.config.settings import Settings
from libs.inference.abandonable import in_thread
from libs.service.app import Kit, create_app
from libs.stores.redis import connect_redis
from libs.stores.weights import WeightsStore
from services.embedding.adapters.redis_vectors import RedisVectors
from services.embedding.adapters.remote import RemoteEncoder
from services.embedding.adapters.remote_classifier import RemoteClassifier
from services.embedding.backends import load_classifier, load_model
from services.embedding.cache import VectorCache
from services.embedding.entailment import EntailmentService
from services.embedding.local import LocalEncoder
from services.embedding.local_classifier import LocalClassifier
from services.embedding.ports import Encoder, PairClassifier
from services.embedding.refusals import ENTAILMENT_MODEL
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
        model = await in_thread(load_model, options.backend, name, store)
        return LocalEncoder(model, cache, shared, options.max_batch_tokens, options.max_waiting)

    async def load_for_entailment(name: str) -> PairClassifier:
        remote = options.remotes.get(name)
        if remote:
            classifier = RemoteClassifier(name, remote, options.max_waiting)
            await classifier.connect()
            return classifier
        model = await in_thread(load_classifier, options.backend, name, store)
        return LocalClassifier(model, options.max_batch_tokens, options.max_waiting)

    registry = ModelRegistry(load)
    entailing = ModelRegistry(load_for_entailment, ENTAILMENT_MODEL)
    live = LiveSettings(kit.settings)

    async def serve(settings: Settings) -> None:
        registry.serve(settings.embedding.model, settings.embedding.also)

    live.on_change(serve)
    await serve(live.current)
    kit.app.state.embedding = EmbeddingService(registry, options.max_waiting)
    kit.app.state.entailment = EntailmentService(entailing, options.max_waiting)
    if options.entailment:
        entailing.serve(options.entailment, [])
        kit.health.add("entailment model", entailing.check, needed=False)
    kit.health.add("model", registry.check)
    kit.health.add("other models", registry.check_others, needed=False)
    kit.health.add("overrides", live.check, needed=False)
    watching = asyncio.create_task(live.watch())
    yield
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await registry.stop()
    await entailing.stop()
    if shared:
        await shared.close()


def build(settings: Settings) -> FastAPI:
    return create_app("embedding", settings, wire, [router])
