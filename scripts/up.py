"""`footnote up`: everything on this machine, started in order and kept running."""

import asyncio
import fcntl
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from libs.config.settings import LISTENERS, SERVICES, Settings
from libs.security.keys import OPERATOR, USER_TOKENS, ensure_key_pairs
from libs.stores.embedded import EmbeddedServers
from libs.stores.weights import WeightsStore
from scripts.supervisor import WITHOUT_STORES, StartError, Supervisor, workers

Work = Callable[[], Awaitable[None]]


async def up(settings: Settings, console: Console, then: Work | None = None, *, once: bool = False) -> None:
    """Starts everything, runs `then`, and keeps serving until SIGINT or SIGTERM; with `once`, stops after `then`."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(stop_signal, stopping.set)
    main = asyncio.create_task(_serve(settings, console, then, once=once))
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait([main, stopped], return_when=asyncio.FIRST_COMPLETED)
    if not main.done():
        console.print("Stopping …")
        main.cancel()
    stopped.cancel()
    try:
        await main
    except asyncio.CancelledError:
        console.print("Stopped.")


async def _serve(settings: Settings, console: Console, then: Work | None, *, once: bool) -> None:
    async with running(settings, console):
        if then:
            await then()
        if not once:
            console.print(f"Footnote answers at [bold]http://localhost:{settings.base_port}[/bold]; Ctrl-C stops it.")
            # Until cancelled, and by nothing else: a stop that had begun by itself would be cancelled half way.
            await asyncio.Event().wait()


@asynccontextmanager
async def running(settings: Settings, console: Console) -> AsyncGenerator[Supervisor]:
    """Servers, schema and services, ready; all stopped again at the end. Raises StartError, EmbeddedServerError."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartError(
                f"Footnote runs on {str(settings.home)!r} already. Stop it, or set FOOTNOTE_HOME to another folder."
            ) from error
        _refuse_taken_ports(settings)
        WeightsStore(settings.models_dir).locate(settings.embedding.model)
        ensure_key_pairs(settings.secrets_dir, [*SERVICES, OPERATOR, USER_TOKENS])
        servers = EmbeddedServers(settings)
        with _progress(console) as progress:
            task = progress.add_task("PostgreSQL and Valkey", total=len(workers()) + 2)
            servers.start()
            try:
                progress.update(task, advance=1, description="migrations")
                waiting = [worker.name for worker in workers()]

                def ready(name: str) -> None:
                    waiting.remove(name)
                    what = f"waiting for {', '.join(waiting)}" if waiting else "every service is ready"
                    progress.update(task, advance=1, description=what)

                supervisor = Supervisor(settings, ready)
                try:
                    supervisor.launch(WITHOUT_STORES)
                    await asyncio.to_thread(_migrate, settings)
                    progress.update(task, advance=1, description=f"waiting for {', '.join(waiting)}")
                    await supervisor.start()
                    progress.stop()
                    yield supervisor
                finally:
                    await supervisor.stop()
            finally:
                servers.stop()


def _migrate(settings: Settings) -> None:
    from libs.stores.migrations import migrate  # Alembic takes as long to import as a service

    migrate(settings.postgres_dsn("postgres"))


def _refuse_taken_ports(settings: Settings) -> None:
    for listener in LISTENERS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, settings.port(listener)))
            except OSError as error:
                raise StartError(
                    f"Port {settings.port(listener)}, which {listener} needs, is taken. Free it, "
                    f"or set FOOTNOTE_BASE_PORT to the first of {len(LISTENERS)} free ones in a row."
                ) from error


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=console,
    )
