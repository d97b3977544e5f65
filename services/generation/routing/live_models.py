"""The table in force, changed while answers are being written."""

import asyncio
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial

from libs.config.generation import Generation, GenerationModel
from libs.config.settings import Settings
from libs.contracts.routing import ModelReport, RouteReport, RoutingReport
from libs.telemetry.logs import get_logger
from services.generation.ports import Engine
from services.generation.routing.catalogue import Catalogue, CatalogueError, catalogue, without_choices
from services.generation.routing.served_model import ServedModel
from services.generation.routing.table import Table, conditions

log = get_logger(__name__)

MakeEngine = Callable[[str, GenerationModel], Engine]


class RoutesError(ValueError):
    """Models or routes that the settings ask for aren't in force."""


class LiveModels:
    """A change loads what is new beside what runs, then takes its place whole, or not at all.

    An answer goes on with the models that it began with; a model that no table holds any more is closed.
    """

    def __init__(self, settings: Generation, make_engine: MakeEngine, installed: Callable[[str], bool]) -> None:
        self._make_engine = make_engine
        self._installed = installed
        self.problem: str | None = None
        try:
            found = catalogue(settings, installed)
        except CatalogueError as error:
            self.problem = str(error)
            log.error("the configured routes aren't used", reason=self.problem)  # noqa: TRY400 - the message says it all
            found = catalogue(without_choices(settings), installed)
        self._settings: Generation = settings
        self._table = Table(self._models_of(found, {}), found.routes)
        self._leaving: dict[asyncio.Task[None], Table] = {}

    @property
    def table(self) -> Table:
        return self._table

    @contextmanager
    def held(self) -> Generator[Table]:
        """The table in force, its models kept open while the block runs."""
        table = self._table
        table.holders += 1
        table.unheld.clear()
        try:
            yield table
        finally:
            table.holders -= 1
            if not table.holders:
                table.unheld.set()

    async def start(self) -> None:
        """Loads the first table's models; those that fail say so in `check`, the others answer."""
        await asyncio.gather(*(model.start() for model in self._table.models.values()))

    async def change(self, settings: Settings) -> None:
        """Puts other settings in force once their models are loaded; what can't be leaves everything as it was.

        Cancelled, it closes what it had loaded.
        """
        wanted = settings.generation
        if wanted == self._settings:
            return
        former, old = self._settings, self._table
        self._settings = wanted
        try:
            found = catalogue(wanted, self._installed)
        except CatalogueError as error:
            self._refuse(str(error))
            return
        table = Table(self._models_of(found, old.models), found.routes)
        fresh = [model for name, model in table.models.items() if old.models.get(name) is not model]
        try:
            await asyncio.gather(*(model.start() for model in fresh))
        except BaseException:
            self._settings = former
            await asyncio.gather(*(model.close() for model in fresh))
            raise
        failed = [model.problem for model in fresh if model.problem]
        if failed:
            await asyncio.gather(*(model.close() for model in fresh))
            self._refuse("; ".join(failed))
            return
        self.problem = None
        self._table = table
        log.info("routes changed", models=sorted(table.models), routes=[route.name for route in table.routes])
        leaving = asyncio.create_task(self._leave(old, table, frozenset(self._leaving)))
        self._leaving[leaving] = old
        leaving.add_done_callback(self._leaving.pop)

    async def close(self) -> None:
        """Waits for no answer, but for every model to be closed, one of a former table too."""
        for former in self._leaving.values():
            former.unheld.set()  # a cancelled task would interrupt a closing, or not begin it
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await asyncio.gather(*(model.close() for model in self._table.models.values()))

    async def check_models(self) -> None:
        """For health: raises RoutesError while a model in force is loading, or couldn't be loaded."""
        for model in self._table.models.values():
            if model.state != "ready":
                raise RoutesError(model.problem or f"loading {model.name!r}")

    async def check_routes(self) -> None:
        """For health: raises RoutesError while the newest settings' routes aren't in force."""
        if self.problem:
            raise RoutesError(f"{self.problem}. What was in force before stays.")

    def report(self) -> RoutingReport:
        models = [
            ModelReport(
                name=model.name,
                engine=model.settings.engine,
                state=model.state,
                problem=model.problem,
                breaker=model.breaker.state,
                in_flight=model.in_flight,
                max_waiting=model.settings.max_waiting,
                context_tokens=model.context_length,
                latency=model.settings.latency,
                plans=model.settings.plans,
                input_cost=model.settings.input_cost,
                output_cost=model.settings.output_cost,
            )
            for model in self._table.models.values()
        ]
        routes = [
            RouteReport(name=route.name, requested=route.requested, when=conditions(route), models=route.models)
            for route in self._table.routes
        ]
        return RoutingReport(models=models, routes=routes, problem=self.problem)

    def _refuse(self, problem: str) -> None:
        self.problem = problem
        log.error("the routes weren't changed", reason=problem)

    async def _leave(self, old: Table, new: Table, older: frozenset[asyncio.Task[None]]) -> None:
        """Closes what the new table doesn't have, after the last answer of the old one and of those before it."""
        if older:
            await asyncio.wait(older)
        if old.holders:
            await old.unheld.wait()
        kept = set(map(id, new.models.values()))
        await asyncio.gather(*(model.close() for model in old.models.values() if id(model) not in kept))

    def _models_of(self, found: Catalogue, running: Mapping[str, ServedModel]) -> dict[str, ServedModel]:
        """Those of `running` about which nothing changed, the failed ones tried again; new ones for the rest."""
        models: dict[str, ServedModel] = {}
        for name, settings in found.models.items():
            same = running.get(name)
            if same is None or same.settings != settings:
                same = ServedModel(name, settings, partial(self._make_engine, name, settings), time.monotonic)
            same.try_now()
            models[name] = same
        return models
