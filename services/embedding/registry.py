"""The models that are served: loaded, switched and unloaded as the settings say, without a restart."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from libs.telemetry.logs import get_logger
from services.embedding.folders import public_id
from services.embedding.ports import ModelLoadError, Servable
from services.embedding.refusals import EMBEDDING_MODEL, not_loaded, unknown_model

log = get_logger(__name__)

DEFAULT_MODEL = "default"
LOADING_RETRY_S = 2
FAILED_RETRY_S = 30
MOST_RETRY_S = 600
RELOAD_S = 5


Model = TypeVar("Model", bound=Servable)


@dataclass(eq=False, slots=True)
class _Served(Generic[Model]):
    """One model, by the name that settings have for it. `users` counts the calls that are being answered."""

    name: str
    id: str
    model: Model | None = None
    problem: str | None = None
    users: int = 0
    again: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class ModelRegistry(Generic[Model]):
    """`default` is the configured model from when it is loaded; until then it stays what it was."""

    def __init__(
        self,
        load: Callable[[str], Awaitable[Model]],
        kind: str = EMBEDDING_MODEL,
        failed_retry_s: float = FAILED_RETRY_S,
    ) -> None:
        """`load` raises ModelLoadError; `kind` is what a refused caller reads.

        What failed is tried again after `failed_retry_s` seconds, then each time after twice as long.
        """
        self._load = load
        self._kind = kind
        self._failed_retry_s = failed_retry_s
        self._served: dict[str, _Served[Model]] = {}
        self._wanted: list[str] = []
        self.default = ""

    def serve(self, default: str, also: Sequence[str]) -> None:
        """Loads in the background what isn't there yet, or failed, at once; unloads what isn't named, once unused."""
        self._wanted = list(dict.fromkeys([default, *also]))
        for name in self._wanted:
            known = self._served.get(name)
            if known is None or (known.task and known.task.done()):
                self._served[name] = served = _Served[Model](name, public_id(name))
                served.task = asyncio.create_task(self._run(served), name=f"{self._kind} {name}")
            else:
                known.again.set()
        self._settle()

    async def stop(self) -> None:
        tasks = [served.task for served in self._served.values() if served.task]
        self._served.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # what one of them ended with keeps no other open

    def loaded(self) -> list[tuple[str, Model]]:
        """By their names in the settings, the default first. Raises 503 where there is none."""
        there = [(served.name, served.model) for served in self._served.values() if served.model]
        if not there:
            with self.use(DEFAULT_MODEL):
                pass
        return sorted(there, key=lambda one: one[0] != self.default)

    @contextmanager
    def use(self, model: str) -> Generator[Model]:
        """The model by its name in the settings or its public one; it stays loaded while it is used.

        Raises 404 where it isn't served, 503 where it isn't loaded.
        """
        served = self._named(self.default if model == DEFAULT_MODEL and self.default else model)
        if served.model is None:
            if served.problem:
                state = "could not be loaded; the operator's log says why"
                raise not_loaded(served.id, state, FAILED_RETRY_S, self._kind)
            raise not_loaded(served.id, "is still loading", LOADING_RETRY_S, self._kind)
        served.users += 1
        try:
            yield served.model
        finally:
            served.users -= 1
            if served.name not in self._kept():
                self._settle()

    async def check(self) -> None:
        """For health: raises ModelLoadError where the default isn't loaded."""
        served = self._served.get(self.default)
        if served is None or served.model is None:
            raise ModelLoadError((served and served.problem) or "the model is still loading")

    async def check_others(self) -> None:
        """For health: raises ModelLoadError where another configured model isn't loaded."""
        problems = [
            f"{served.name}: {served.problem or 'still loading'}"
            for served in self._served.values()
            if served.model is None and served.name != self.default
        ]
        if problems:
            raise ModelLoadError("; ".join(problems))

    def _named(self, model: str) -> _Served[Model]:
        named = [served for served in self._served.values() if model in {served.name, served.id}]
        if not named or named[0].name not in self._kept():
            known = [served.id for served in self._served.values() if served.name in self._kept()]
            raise unknown_model(model, known, self._kind)
        return named[0]

    async def _run(self, served: _Served[Model]) -> None:
        model = await self._patiently(served)
        served.model, served.problem = model, None
        log.info("model ready", model=model.id, backend=model.backend, revision=model.revision)
        self._settle()
        await model.run()

    async def _patiently(self, served: _Served[Model]) -> Model:
        """Tries until it is loaded: weights may be copied later, a full disk be emptied."""
        failed_s = self._failed_retry_s
        while True:
            passing = False
            try:
                return await self._load(served.name)
            except ModelLoadError as error:
                passing = error.passing
                served.problem = str(error)
                log.error("model not loaded", model=served.name, reason=served.problem)  # noqa: TRY400 - the message says it all
            except Exception as error:
                served.problem = f"{type(error).__name__}: {error}"
                log.exception("model not loaded", model=served.name)
            wait_s = RELOAD_S if passing else failed_s
            if not passing:
                failed_s = min(2 * failed_s, MOST_RETRY_S)
            served.again.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(served.again.wait(), wait_s)

    def _kept(self) -> set[str]:
        return {*self._wanted, self.default}

    def _settle(self) -> None:
        """Switches the default where the configured one is there, and lets go of what nothing needs."""
        configured = self._wanted[0]
        old = self._served.get(self.default)
        if self.default != configured and (old is None or old.model is None or self._served[configured].model):
            self.default = configured
            log.info("default model", model=configured)
        for served in [*self._served.values()]:
            if served.name in self._kept() or served.users:
                continue
            del self._served[served.name]
            if served.task:
                # An engine's objects hold each other; without this they stay until the next full collection.
                served.task.add_done_callback(lambda task: task.get_loop().call_soon(gc.collect))
                served.task.cancel()
            log.info("model unloaded", model=served.name)
