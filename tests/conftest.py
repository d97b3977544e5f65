"""Real servers for the tests: each run has its own PostgreSQL and Valkey, migrated once, in a folder of its own."""

import gc
import os
import socket
import ssl
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path

import hypothesis
import pytest
from redis.asyncio import Redis
from rich.console import Console
from sqlalchemy.ext.asyncio import create_async_engine

# Before any settings are read: the tests' own layer.
os.environ["FOOTNOTE_ENVIRONMENT"] = "test"
# Each of httpx's clients reads the machine's certificates anew, for 25 ms; hundreds of them talk to loopback alone.
ssl.create_default_context = cache(ssl.create_default_context)

from libs.config.settings import SERVICES, Settings, load_settings
from libs.security.keys import OPERATOR, USER_TOKENS, ensure_key_pairs
from libs.stores import embedded
from libs.stores.embedded import EmbeddedServers
from libs.stores.migrations import migrate
from libs.stores.redis import connect_redis
from scripts.api import Api
from scripts.stage import stage
from tests.stack import Stack, started_stack
from tests.tables import empty_tables
from tests.tiny_entailment_model import make_tiny_entailment_model
from tests.tiny_language_model import save_tiny_model

REPOSITORY = Path(__file__).resolve().parents[1]
# How long one example takes says more of the machine than of what is tested.
hypothesis.settings.register_profile("footnote", deadline=None)
hypothesis.settings.load_profile("footnote")
# What a killed process leaves is safe in the kernel; only a machine that loses its power needs more.
embedded.POSTGRES_OPTIONS["fsync"] = "off"

LOOPBACK = ("127.", "::1", "localhost")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the slow suites whole, not only their smoke")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that need the whole stack first, so that one worker starts it and meets them all.

    Each worker begins with a stretch of the list, and one that is done takes half of what another has left.
    """
    files = {item.path for item in items if "stack" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in files)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Millions of objects are made while tests are collected, and stay: none of them is looked at for garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether a slow suite runs whole."""
    return bool(pytestconfig.getoption("--full"))


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Refuses connections that leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise RuntimeError(f"a test tried to reach {address!r}")
        connect(self, address)

    socket.socket.connect = guarded
    yield
    socket.socket.connect = connect


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Weights outlive a test run: FOOTNOTE_MODELS_DIR, else the installation's own folder."""
    return Path(os.environ.get("FOOTNOTE_MODELS_DIR", REPOSITORY / ".footnote" / "models"))


@pytest.fixture(scope="session")
def tiny_language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a language model that always writes the same nonsense."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def models_with_entailment(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of MiniLM and of `nli`, a classifier trained on "always" and "sometimes"."""
    if not (models_dir / "minilm").is_dir():
        pytest.skip("the weights 'minilm' aren't installed")
    folder = tmp_path_factory.mktemp("models")
    (folder / "minilm").symlink_to(models_dir / "minilm")
    make_tiny_entailment_model(folder / "nli")
    return folder


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The public evaluation data; tests that need it are skipped where it is absent."""
    path = Path(os.environ.get("FOOTNOTE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not path.exists():
        pytest.skip(f"the evaluation data isn't at {str(path)!r}; set FOOTNOTE_DATA")
    return path


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Settings]:
    """Settings of a running pair of servers, migrated and with every key made."""
    os.environ["FOOTNOTE_HOME"] = str(tmp_path_factory.mktemp("home"))
    os.environ["FOOTNOTE_MODELS_DIR"] = str(models_dir)
    loaded = load_settings()
    ensure_key_pairs(loaded.secrets_dir, [*SERVICES, OPERATOR, USER_TOKENS])
    servers = EmbeddedServers(loaded)
    servers.start()
    try:
        migrate(loaded.postgres_dsn("postgres"))
        yield loaded
    finally:
        servers.stop()


@pytest.fixture
async def clean_database(settings: Settings) -> None:
    """Empties every table, for tests that count rows of their own making."""
    engine = create_async_engine(settings.postgres_dsn("postgres"))
    await empty_tables(engine)
    await engine.dispose()


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = connect_redis(settings)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> AsyncIterator[Stack]:
    """The whole of Footnote as `footnote up` starts it: every service a process of its own, on ports of its own."""
    async with started_stack(tmp_path_factory.mktemp("stack"), models_dir) as running:
        yield running


@pytest.fixture(scope="session")
async def handbook(stack: Stack) -> AsyncIterator[Api]:
    """An organisation that has read the handbook: the benches' own."""
    async with AsyncExitStack() as entered:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("FOOTNOTE_HOME", str(stack.settings.home))
            environment.setenv("FOOTNOTE_BASE_PORT", str(stack.settings.base_port))
            _, api = await entered.enter_async_context(stage(Console(quiet=True)))
        yield api
