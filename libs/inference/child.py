"""Our own modules run as child processes."""

import os
import subprocess
import sys


def import_path_environment() -> dict[str, str]:
    """The environment for a child that runs one of our modules: ours, with our import path."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def run_module(module: str, *arguments: str) -> str | None:
    """Runs `python -m module` to its end, or to this process's. None where it went well, else its last words.

    One that outlived us would go on writing where the next process writes.
    """
    command = [sys.executable, "-m", "libs.stores.bound_child", str(os.getpid()), module, *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=import_path_environment())
    if finished.returncode == 0:
        return None
    return (finished.stderr.strip().splitlines() or [f"exit code {finished.returncode}"])[-1]
