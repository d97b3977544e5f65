"""A worker process that dies, or takes long to load, as the service sees it."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.generation.engines.worker_engine import WorkerEngine
from services.generation.ports import EngineUnavailableError, GenerationRequest, Message
from tests.stack import until


class Engine(WorkerEngine):
    """Its worker is loaded when `let_load` says so."""

    def __init__(self, folder: Path) -> None:
        super().__init__("tests.generation_worker", model_id="none", context_tokens=512, max_running=1, max_waiting=1)
        self._folder = folder

    async def let_load(self) -> None:
        await asyncio.to_thread((self._folder / "loaded").write_bytes, b"")

    @property
    def starts(self) -> int:
        return len((self._folder / "starts").read_text().splitlines())

    async def _arguments(self) -> list[str]:
        return [str(self._folder)]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    os.mkfifo(tmp_path / "loaded")
    engine = Engine(tmp_path)
    yield engine
    await engine.close()


async def test_a_model_goes_on_loading_when_nobody_waits_for_it_any_longer(engine: Engine):
    impatient = asyncio.create_task(engine.count_tokens(["four"]))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    patient = asyncio.create_task(engine.count_tokens(["four"]))
    await engine.let_load()
    assert await patient == [4]
    assert engine.starts == 1


async def test_a_worker_that_dies_in_the_middle_of_a_reply_comes_back(engine: Engine):
    starting = asyncio.create_task(engine.start())
    await engine.let_load()
    await starting
    with pytest.raises(EngineUnavailableError, match="ended"):
        await anext(engine.generate(GenerationRequest((Message("user", "Why?"),))))
    counting = asyncio.create_task(engine.count_tokens(["four"]))
    await engine.let_load()
    assert await counting == [4]
    assert engine.starts == 2


async def test_a_start_that_is_given_up_leaves_no_process(engine: Engine, tmp_path: Path):
    starting = asyncio.create_task(engine.start())
    await until(lambda: _exists(tmp_path / "starts"))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "starts").read_text()), 0)


async def test_a_closing_that_is_given_up_leaves_no_process(engine: Engine, tmp_path: Path):
    """The worker still loads, so that it doesn't see that its commands ended."""
    starting = asyncio.create_task(engine.start())
    await until(lambda: _exists(tmp_path / "starts"))
    starting.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not starting.done()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await engine.close()
    await until(lambda: _ended(int((tmp_path / "starts").read_text())))


async def _ended(pid: int) -> bool | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return None


async def _exists(path: Path) -> bool | None:
    return await asyncio.to_thread(path.exists) or None
