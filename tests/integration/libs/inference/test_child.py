"""Modules of ours run in a process of their own."""

import asyncio
import os
import sys
from pathlib import Path

from libs.inference.child import import_path_environment, run_module
from tests.stack import until


def test_a_child_that_fails_is_told_by_its_last_words():
    assert "no_such_module" in (run_module("libs.inference.no_such_module") or "")
    assert run_module("libs.inference.child") is None


async def test_a_child_ends_with_the_process_that_waits_for_it(tmp_path: Path):
    """Also where that one is killed, and where the child itself only computes."""
    (tmp_path / "endless_module.py").write_text(
        "import os, signal, sys\nprint(os.getpid(), file=open(sys.argv[1], 'w'), flush=True)\nsignal.pause()\n"
    )
    pid = tmp_path / "pid"
    code = f"from libs.inference.child import run_module; run_module('endless_module', {str(pid)!r})"
    environment = import_path_environment()
    environment["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
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
