"""Our own modules run as child processes."""

import os
import subprocess
import sys

from libs.inference.abandonable import LOOK_S, end_if_abandoned


def import_path_environment() -> dict[str, str]:
    """The environment for a child that runs one of our modules: ours, with our import path."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def run_module(module: str, *arguments: str) -> str | None:
    """Runs `python -m module` to its end, or to this process's. None where it went well, else its last words.

    One that outlived us would go on writing where the next process writes. In a thread that was abandoned
    (see `libs.inference.abandonable`) it is killed, and CancelledError raised.
    """
    end_if_abandoned()
    command = [sys.executable, "-m", "libs.stores.bound_child", str(os.getpid()), module, *arguments]
    pipe, environment = subprocess.PIPE, import_path_environment()
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as child:
        try:
            last_words = _last_words(child)
        except BaseException:
            child.kill()
            raise
    if child.returncode == 0:
        return None
    return (last_words.strip().splitlines() or [f"exit code {child.returncode}"])[-1]


def _last_words(child: "subprocess.Popen[str]") -> str:
    while True:
        try:
            return child.communicate(timeout=LOOK_S)[1]
        except subprocess.TimeoutExpired:
            end_if_abandoned()
