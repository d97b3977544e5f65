"""Models that load and speak when the test says so."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from libs.config.generation import Generation, GenerationModel
from libs.config.settings import Settings, load_settings
from services.generation.ports import (
    Engine,
    EngineUnavailableError,
    Event,
    Finished,
    GenerationRequest,
    TextDelta,
)
from services.generation.routing.live_models import LiveModels


class GatedEngine:
    """Loads once `loads` is set and speaks its second word once `speaks` is."""

    def __init__(self, name: str) -> None:
        self.model_id = name
        self.context_length = 4096
        self.loads, self.speaks, self.closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def start(self) -> None:
        await self.loads.wait()
        if self.model_id == "broken":
            raise EngineUnavailableError("no such weights")

    async def close(self) -> None:
        self.closed.set()

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Event]:  # noqa: ARG002 - the port has it
        yield TextDelta("one ")
        await self.speaks.wait()
        yield TextDelta("two")
        yield Finished("stop", 1, 2)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]


class Engines:
    """Every engine made, by its model's name; those of `quick` load at once."""

    def __init__(self, *quick: str, engine: Callable[[str], GatedEngine] = GatedEngine) -> None:
        self.made: dict[str, list[GatedEngine]] = {}
        self._engine = engine
        self.made_one = asyncio.Event()
        self._quick = {"extractive", *quick}

    def __call__(self, name: str, _: GenerationModel) -> Engine:
        engine = self._engine(name)
        if name in self._quick:
            engine.loads.set()
        self.made.setdefault(name, []).append(engine)
        if name != "extractive":
            self.made_one.set()
        return engine


def settings(*models: str, **options: int) -> Settings:
    base = load_settings()
    upstream = {"engine": "upstream", "url": "http://upstream/v1", **options}
    generation = Generation.model_validate(
        {
            **dict(base.generation),
            "engine": "extractive",
            "models": dict.fromkeys(models, upstream),
            "routes": [{"name": "all", "models": list(models)}],
        }
    )
    return base.model_copy(update={"generation": generation})


def live(engines: Engines, first: Settings) -> LiveModels:
    return LiveModels(first.generation, engines, lambda _: True)
