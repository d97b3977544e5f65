"""A model in service: its engine, whether it can be asked now, and how many ask it."""

import asyncio
import hashlib
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Literal

from libs.config.generation import GenerationModel
from libs.telemetry.logs import get_logger
from services.generation.ports import (
    Engine,
    EngineBusyError,
    EngineRefusedError,
    EngineUnavailableError,
    Event,
    Finished,
    GenerationRequest,
    Message,
    PromptCounter,
)
from services.generation.routing.breaker import CircuitBreaker

log = get_logger(__name__)

State = Literal["loading", "ready", "failed"]

# Seconds before a model that didn't load is tried again; each further time after twice as long, up to the most.
FAILED_RETRY_S = 30
MOST_RETRY_S = 600


class CircuitOpenError(EngineUnavailableError):
    """The model failed too often of late to be asked again yet."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("Its circuit breaker is open.", retry_after_s)


class ServedModel:
    """Every answer of the model goes through here, so that the breaker hears of each end."""

    def __init__(
        self,
        name: str,
        settings: GenerationModel,
        make_engine: Callable[[], Engine],
        clock: Callable[[], float],
        failed_retry_s: float = FAILED_RETRY_S,
    ) -> None:
        self.name = name
        self.settings = settings
        self.breaker = CircuitBreaker(clock)
        self.in_flight = 0
        self.state: State = "loading"
        self.problem: str | None = None
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._loaded = asyncio.Event()
        self._failed_retry_s = failed_retry_s
        self._retrying: asyncio.Task[None] | None = None
        self._again = asyncio.Event()
        # Engines that decode have bounds of their own: what runs together, and what waits beside it.
        self._limit = settings.max_waiting if settings.engine in {"extractive", "upstream"} else math.inf

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together; what the settings say until the model is loaded."""
        return self._engine.context_length if self._engine else self.settings.context_tokens

    @property
    def fingerprint(self) -> str:
        """Changes with whatever may change an answer to the same seed; tells nothing of keys."""
        told = self.settings.model_dump_json(exclude={"api_key", "plans", "input_cost", "output_cost", "max_waiting"})
        return "fp_" + hashlib.sha256(f"{self.name} {told}".encode()).hexdigest()[:10]

    async def start(self) -> None:
        """Loads it; `state` and `problem` say how that ended. What failed is tried again until it is closed."""
        try:
            await self._load()
        finally:
            self._loaded.set()
        if self.state == "failed":
            self._retrying = asyncio.create_task(self._load_again(), name=f"load {self.name} again")

    async def close(self) -> None:
        if self._retrying:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
        await self._close_engine()

    def try_now(self) -> None:
        """What failed to load needn't wait for its next turn; no other is changed."""
        if self.state == "failed":
            self._again.set()

    async def _load_again(self) -> None:
        """Weights may be copied later, a full disk be emptied. Callers are refused meanwhile, they don't wait."""
        wait_s = self._failed_retry_s
        while self.state == "failed":
            with suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), wait_s)
            self._again.clear()
            wait_s = min(2 * wait_s, MOST_RETRY_S)
            await self._load()

    async def _load(self) -> None:
        try:
            await self._close_engine()
            self._engine = self._make_engine()
            await self._engine.start()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever keeps one model from loading mustn't end the service
            self.state, self.problem = "failed", f"{self.name}: {error}"
            log.warning("a model didn't load", model=self.name, reason=str(error))
        else:
            self.state, self.problem = "ready", None

    async def _close_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine:
            await engine.close()

    async def count_tokens(self, texts: list[str]) -> int:
        """Raises EngineUnavailableError."""
        return sum(await (await self._running()).count_tokens(texts))

    async def count_prompt(self, messages: Sequence[Message]) -> int | None:
        """With the model's own template; None where the engine can't say. Raises EngineUnavailableError."""
        engine = await self._running()
        return await engine.count_prompt(messages) if isinstance(engine, PromptCounter) else None

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Event]:
        """As the engine does, once it is loaded. Closing it early counts for nothing, an end of its own does.

        Raises CircuitOpenError besides.
        """
        # An engine that loads bounds nothing yet.
        limit = self.settings.max_waiting if self.state == "loading" else self._limit
        if self.in_flight >= limit:
            raise EngineBusyError
        self.in_flight += 1
        try:
            async with aclosing(self._answer(await self._running(), request)) as events:
                async for event in events:
                    yield event
        finally:
            self.in_flight -= 1

    async def _answer(self, engine: Engine, request: GenerationRequest) -> AsyncGenerator[Event]:
        if not self.breaker.admits():
            raise CircuitOpenError(max(1, math.ceil(self.breaker.retry_after_s)))
        told = False
        try:
            async with aclosing(engine.generate(request)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        self.breaker.succeeded()
                        told = True
                    yield event
        except EngineUnavailableError as error:
            if not isinstance(error, EngineRefusedError):
                self.breaker.failed()
                told = True
            raise
        finally:
            if not told:
                self.breaker.abandoned()

    async def _running(self) -> Engine:
        await self._loaded.wait()
        if self._engine is None or self.state == "failed":
            raise EngineUnavailableError(self.problem or "The model didn't load.")
        return self._engine
