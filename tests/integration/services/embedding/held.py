"""A model that a test can hold, behind the real routes."""

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from redis.asyncio import Redis

from libs.clients.context import Lane
from libs.config.settings import Settings
from libs.service.app import Kit, create_app
from services.embedding.adapters.redis_vectors import RedisVectors
from services.embedding.cache import VectorCache
from services.embedding.local import LocalEncoder
from services.embedding.ports import Encoded
from services.embedding.registry import ModelRegistry
from services.embedding.routes import router
from services.embedding.service import EmbeddingService
from services.embedding.tokenizer import TextTokenizer, TokenIds

LIFE_S = 60


class HeldModel:
    """A text's vector is made of its token ids. While `free` is cleared a batch of `holds` doesn't end."""

    id = backend = "held"
    revision = "held-1"
    space = "held@1"
    dimension = token_dimension = 8
    ingest_threads = 1

    def __init__(self, folder: Path) -> None:
        self.tokenizer = TextTokenizer(folder)
        self.batches: list[list[TokenIds]] = []
        self.free = threading.Event()
        self.free.set()
        self.busy = threading.Event()
        self.holds: Lane = "query"

    def encode(self, batch: Sequence[TokenIds], lane: Lane = "query") -> Encoded:
        self.batches.append([*batch])
        if lane == self.holds:
            self.busy.set()
            self.free.wait(30)
        states = np.zeros((len(batch), max(map(len, batch)), 8), np.float32)
        for row, ids in enumerate(batch):
            states[row, np.arange(len(ids)), np.asarray(ids) % 8] = 1
        vectors = states.sum(axis=1)
        return Encoded(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), states)


def held_service(settings: Settings, model: HeldModel, *, max_waiting: int = 8, redis: Redis | None = None) -> FastAPI:
    """The service with this model alone and its two caches."""
    shared = RedisVectors(redis, LIFE_S) if redis is not None else None

    async def load(_name: str) -> LocalEncoder:
        return LocalEncoder(model, VectorCache(100), shared, 64, max_waiting)

    @asynccontextmanager
    async def wire(kit: Kit) -> AsyncIterator[None]:
        registry = ModelRegistry(load)
        registry.serve("held", [])
        kit.app.state.embedding = EmbeddingService(registry, max_waiting)
        kit.health.add("model", registry.check)
        yield
        model.free.set()
        await registry.stop()

    return create_app("embedding", settings, wire, [router])
