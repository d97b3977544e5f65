"""Every service as its own process: started together, restarted when one dies, stopped together."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx

from libs.config.settings import PROCESSES, ProcessName, Settings
from libs.service.stopping import ENDED_WITHIN_S
from libs.stores.parent import SUPERVISOR

READY_TIMEOUT_S = 180.0
POLL_S = 0.1
RESTART_WAIT_S = 0.2
RESTART_WAIT_MAX_S = 10.0
STEADY_S = 30.0
MODULES: dict[ProcessName, str] = {"knowledge-worker": "services.knowledge.worker"}
# One after the other, before the rest: each may still be answering with what those after it say.
STOPPED_FIRST: tuple[ProcessName, ...] = ("gateway", "chat")
# Nobody calls the worker: where it isn't ready, as while the store of files is away, the others are of use.
AWAITED: dict[ProcessName, str] = {"knowledge-worker": "startup"}
# They keep no data, take longest to start, and so needn't wait for the stores.
WITHOUT_STORES: tuple[ProcessName, ...] = ("embedding", "generation")


class StartError(Exception):
    """A service didn't become ready; the message says which, and where its log is."""


@dataclass
class Worker:
    """One child process and how often it had to be started again."""

    name: ProcessName
    module: str
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0


def workers() -> list[Worker]:
    """Every process, those that start slowly first."""
    return [Worker(name, MODULES.get(name, f"services.{name}")) for name in reversed(PROCESSES)]


class Supervisor:
    """`on_ready` is told each process's name as it becomes ready."""

    def __init__(self, settings: Settings, on_ready: Callable[[str], None] = lambda _name: None) -> None:
        self._settings = settings
        self._on_ready = on_ready
        self._workers = workers()
        self._keepers: dict[ProcessName, asyncio.Task[None]] = {}

    def launch(self, names: Collection[ProcessName]) -> None:
        """Starts these, of those that don't run yet, and waits for none."""
        for worker in self._workers:
            if worker.name in names and worker.name not in self._keepers:
                self._keepers[worker.name] = asyncio.create_task(self._keep(worker))

    async def start(self) -> None:
        """Returns when every process is ready. Raises StartError."""
        self.launch(PROCESSES)
        async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
            await asyncio.gather(*(self._wait_ready(worker, http) for worker in self._workers))

    async def stop(self) -> None:
        """Stops every process cleanly, and by force what doesn't end in time; returns when all have ended."""
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        for name in STOPPED_FIRST:
            await _end([worker for worker in self._workers if worker.name == name])
        await _end(self._workers)

    def processes(self) -> dict[str, int]:
        """The process id of each running worker by its name."""
        return {
            worker.name: worker.process.pid
            for worker in self._workers
            if worker.process and worker.process.returncode is None
        }

    async def _keep(self, worker: Worker) -> None:
        """Starts the worker again whenever it ends, sooner when it had run steadily."""
        wait_s = RESTART_WAIT_S
        while True:
            started = time.monotonic()
            worker.process = await self._spawn(worker)
            code = await worker.process.wait()
            steady = time.monotonic() - started > STEADY_S
            wait_s = RESTART_WAIT_S if steady else min(wait_s * 2, RESTART_WAIT_MAX_S)
            worker.restarts += 1
            self._note(worker, f"ended with {code}; starting it again in {wait_s:g} s")
            await asyncio.sleep(wait_s)

    async def _spawn(self, worker: Worker) -> asyncio.subprocess.Process:
        environment = {
            **os.environ,
            SUPERVISOR: str(os.getpid()),
            "FOOTNOTE_HOME": str(self._settings.home.absolute()),
            "FOOTNOTE_BASE_PORT": str(self._settings.base_port),
            "PYTHONUNBUFFERED": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
            "MALLOC_ARENA_MAX": "2",
        }
        with self._log(worker).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                worker.module,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    async def _wait_ready(self, worker: Worker, http: httpx.AsyncClient) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not await self._is_ready(worker, http):
            if worker.restarts > 2 or time.monotonic() > deadline:  # noqa: PLR2004 - a third start won't differ
                raise StartError(f"{worker.name} doesn't become ready; its log is {str(self._log(worker))!r}.")
            await asyncio.sleep(POLL_S)
        self._on_ready(worker.name)

    async def _is_ready(self, worker: Worker, http: httpx.AsyncClient) -> bool:
        health = AWAITED.get(worker.name, "ready")
        try:
            response = await http.get(f"{self._settings.url(worker.name)}/health/{health}")
        except httpx.TransportError:
            return False
        return response.is_success

    def _log(self, worker: Worker) -> Path:
        return self._settings.logs_dir / f"{worker.name}.log"

    def _note(self, worker: Worker, what: str) -> None:
        with (self._settings.logs_dir / "supervisor.log").open("a") as log:
            log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {worker.name} {what}\n")


async def _end(workers: Iterable[Worker]) -> None:
    running = [one.process for one in workers if one.process and one.process.returncode is None]
    for process in running:
        process.terminate()
    if running:
        waits = [asyncio.create_task(process.wait()) for process in running]
        await asyncio.wait(waits, timeout=ENDED_WITHIN_S)
    for process in running:
        if process.returncode is None:
            process.kill()
            await process.wait()
