"""generation's composition root."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from libs.clients.embedding import EmbeddingClient
from libs.config.live import LiveSettings
from libs.config.settings import Settings
from libs.service.app import Kit, create_app
from libs.stores.weights import WeightsStore
from services.generation.building import installed, make_engine
from services.generation.routes import router
from services.generation.routing.live_models import LiveModels
from services.generation.service import GenerationService


@asynccontextmanager
async def wire(kit: Kit) -> AsyncGenerator[None]:
    live = LiveSettings(kit.settings)
    weights = WeightsStore(kit.settings.models_dir)
    embed = EmbeddingClient(kit.client("embedding")).embed
    models = LiveModels(live.current.generation, partial(make_engine, weights, embed), partial(installed, weights))
    live.on_change(models.change)
    kit.app.state.generation = GenerationService(models)
    kit.health.add("engine", models.check_models)
    # What was in force goes on answering, so that a mistake in a file takes no process out of service.
    kit.health.add("settings", live.check, needed=False)
    kit.health.add("routes", models.check_routes, needed=False)
    # Loading a model can take a minute; the process answers meanwhile that it isn't ready yet.
    working = [asyncio.create_task(models.start()), asyncio.create_task(live.watch())]
    yield
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    await models.close()


def build(settings: Settings) -> FastAPI:
    return create_app("generation", settings, wire, [router])
