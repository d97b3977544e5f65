"""generation's composition root."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from libs.clients.embedding import EmbeddingClient
from libs.config.settings import Settings
from libs.service.app import Kit, create_app
from libs.stores.weights import WeightsMissingError, WeightsStore
from services.generation.engines.extractive import ExtractiveEngine
from services.generation.engines.openai_compatible import OpenAICompatibleEngine
from services.generation.ports import Engine
from services.generation.routes import router
from services.generation.service import Engines

EXTRACTIVE = "extractive"
UPSTREAM = "upstream"
BEST_INSTALLED = "qwen"


@asynccontextmanager
async def wire(kit: Kit) -> AsyncGenerator[None]:
    extractive: Engine = ExtractiveEngine(EmbeddingClient(kit.client("embedding")).embed)
    configured = _configured_engine(kit.settings) or extractive
    engines = Engines({engine.model_id: engine for engine in (extractive, configured)}, configured.model_id)
    kit.app.state.engines = engines
    # Loading a model can take a minute; the process answers meanwhile that it isn't ready yet.
    starting = asyncio.create_task(engines.start())

    async def loaded() -> None:
        if not starting.done():
            raise RuntimeError(f"loading {configured.model_id!r}")
        starting.result()

    kit.health.add("engine", loaded)
    yield
    starting.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await starting
    await engines.close()


def _configured_engine(settings: Settings) -> Engine | None:
    """The generator that settings name, None for the extractive composer alone."""
    chosen = settings.generation
    if chosen.engine == UPSTREAM:
        return OpenAICompatibleEngine(
            chosen.upstream_url,
            model_id=chosen.upstream_model,
            api_key=chosen.upstream_api_key.get_secret_value(),
            context_tokens=chosen.context_tokens,
            max_in_flight=chosen.max_waiting,
        )
    if chosen.engine == EXTRACTIVE:
        return None
    name = BEST_INSTALLED if chosen.engine == "auto" else chosen.engine
    try:
        weights = WeightsStore(settings.models_dir).locate(name)
    except WeightsMissingError:
        if chosen.engine == "auto":
            return None
        raise
    # Only a process with such an engine loads OpenVINO.
    from services.generation.engines.openvino import OpenVinoEngine  # noqa: PLC0415 - only where it is used

    return OpenVinoEngine(weights, model_id=name, context_tokens=chosen.context_tokens, max_waiting=chosen.max_waiting)


def build(settings: Settings) -> FastAPI:
    return create_app("generation", settings, wire, [router])
