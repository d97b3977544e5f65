"""A command that is told to end leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

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


def test_a_command_that_is_told_to_end_takes_its_folders_away(tmp_path: Path):
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, text=True, env=environment
    ) as command:
        assert command.stdout is not None
        folder = Path(command.stdout.readline().strip())
        assert folder.parent == tmp_path
        assert folder.exists()
        command.terminate()
    assert not folder.exists()
