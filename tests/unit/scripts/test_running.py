"""A command that is told to end leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# A command with a folder of its own, which says where that is and then waits.
COMMAND = """
import asyncio, tempfile
from scripts.commands.running import run

async def work():
    with tempfile.TemporaryDirectory() as folder:
        print(folder, flush=True)
        await asyncio.Event().wait()

run(work())
"""


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_told_to_end_takes_its_folders_away(tmp_path: Path, told: signal.Signals):
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = subprocess.Popen([sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, text=True, env=environment)
    assert command.stdout is not None
    folder = Path(command.stdout.readline().strip())
    assert folder.parent == tmp_path
    assert folder.exists()
    command.send_signal(told)
    command.communicate(timeout=60)
    assert not folder.exists()
