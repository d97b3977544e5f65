"""Modules of ours run in a process of their own."""

import asyncio
import os
import sys
from pathlib import Path
from queue import Queue

import pytest

from libs.inference.abandonable import in_thread
from libs.inference.child import import_path_environment, run_module
from libs.stores.file_lock import locked
from tests.stack import until


@pytest.fixture
def endless_module(tmp_path: Path) -> Path:
    """Writes its process id into the file that it is given, and then waits for ever."""
    path = tmp_path / "endless_module.py"
    path.write_text(
        "import os, signal, sys\nprint(os.getpid(), file=open(sys.argv[1], 'w'), flush=True)\nsignal.pause()\n"
    )
    return path


def test_a_child_that_fails_is_told_by_its_last_words():
    assert "no_such_module" in (run_module("libs.inference.no_such_module") or "")
    assert run_module("libs.inference.child") is None


async def test_a_child_ends_where_nobody_waits_for_it_any_longer(
    endless_module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """And so does whoever waits for the same file's lock, in a thread of its own."""
    monkeypatch.syspath_prepend(endless_module.parent)
    pid, said = tmp_path / "pid", Queue[str]()

    def convert() -> None:
        said.put("begun")
        try:
            with locked(tmp_path / "lock"):
                run_module(endless_module.stem, str(pid))
        except asyncio.CancelledError:
            said.put("cancelled")
            raise

    converting = asyncio.create_task(in_thread(convert))
    child = await until(lambda: _written(pid))
    waiting = asyncio.create_task(in_thread(convert))
    assert [await asyncio.to_thread(said.get, timeout=30) for _ in range(2)] == ["begun", "begun"]
    for task in (waiting, converting):
        task.cancel()
        assert await asyncio.to_thread(said.get, timeout=30) == "cancelled"
        await asyncio.gather(task, return_exceptions=True)
    await until(lambda: _ended(child))


async def test_a_child_ends_with_the_process_that_waits_for_it(endless_module: Path, tmp_path: Path):
    """Also where that one is killed, and where the child itself only computes."""
    pid = tmp_path / "pid"
    code = f"from libs.inference.child import run_module; run_module('endless_module', {str(pid)!r})"
    environment = import_path_environment()
    environment["PYTHONPATH"] += f"{os.pathsep}{endless_module.parent}"
    waiting = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=environment)
    child = await until(lambda: _written(pid))
    waiting.kill()
    await waiting.wait()
    await until(lambda: _ended(child))


async def _written(pid: Path) -> int | None:
    said = await _read(pid)
    return int(said) if said.endswith("\n") else None


async def _ended(pid: int) -> bool | None:
    """A zombie has ended too: who adopted it may not collect it."""
    stat = await _read(Path(f"/proc/{pid}/stat"))
    return True if not stat or stat.rpartition(")")[2].split()[0] == "Z" else None


async def _read(path: Path) -> str:
    try:
        return await asyncio.to_thread(path.read_text)
    except (FileNotFoundError, ProcessLookupError):
        return ""
