"""A parsing process as the sandbox sees it: started, asked, ended."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import structlog

from services.knowledge.parsing import wire

_CHILD_MODULE = "services.knowledge.parsing.child"
_REPOSITORY = Path(__file__).resolve().parents[3]
# Nothing of this process's environment: it holds secrets.
_ENVIRONMENT = {
    "PYTHONPATH": str(_REPOSITORY),
    "PYTHONDONTWRITEBYTECODE": "1",
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    # Each thread of a numeric library reserves memory, which is bounded here.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
}
# A file up to this size is in memory since its head was read.
SHORT_BYTES = 64 * 1024
_PIECE_BYTES = 1024 * 1024
# Where the system doesn't say.
_COMMON_BYTES = 40 * 1024 * 1024
_GUARDS = {"files", "calls"}

_log = structlog.stdlib.get_logger(__name__)


class BrokenChildError(Exception):
    """The child ended or said something it shouldn't."""


class Child:
    """Starts when it is first asked, and reads one tenant's documents."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.served = 0
        self.idle_bytes = 0  # as it was when it became idle
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, request: wire.Request, file: BinaryIO) -> bytes:
        """Returns the answer to one request. Raises `BrokenChildError`."""
        process = self._process
        if process is None or process.returncode is not None:
            process = await self._start()
        self.served += 1
        assert process.stdin is not None  # noqa: S101 - both ends are pipes
        # A child may answer before it has read everything, and end.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(wire.frame(request))
            left = request.size
            while left:
                short = request.size <= SHORT_BYTES
                piece = file.read(left) if short else await asyncio.to_thread(file.read, min(left, _PIECE_BYTES))
                if not piece:
                    raise OSError(f"the file became shorter than {request.size} bytes while it was read")
                left -= len(piece)
                process.stdin.write(piece)
                await process.stdin.drain()
        return await self._receive(process)

    @property
    def out_of_time(self) -> bool:
        """Whether the kernel ended it for the processor time it took."""
        return self._process is not None and self._process.returncode == -signal.SIGXCPU

    def resident_bytes(self) -> int:
        """The memory that it holds."""
        try:
            statm = Path(f"/proc/{self._process.pid if self._process else 0}/statm").read_text()
        except OSError:
            return _COMMON_BYTES
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    async def kill(self) -> None:
        """Ends the child, and waits until it is gone."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        if process.stdin:
            process.stdin.close()
        await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-s", "-m", _CHILD_MODULE, str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # it may quote the document
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            limit=_PIECE_BYTES,
        )  # fmt: skip
        try:
            guarded: dict[str, Any] = orjson.loads(await self._receive(process))
        except (BrokenChildError, orjson.JSONDecodeError) as error:
            raise OSError(f"the parsing process doesn't start: try {sys.executable} -m {_CHILD_MODULE}") from error
        if missing := _GUARDS - set(guarded["guarded"]):
            _log.warning("parsing_guards_missing", missing=sorted(missing))
        return process

    async def _receive(self, process: asyncio.subprocess.Process) -> bytes:
        assert process.stdout is not None  # noqa: S101 - both ends are pipes
        try:
            length = wire.body_length(await process.stdout.readexactly(wire.LENGTH_BYTES))
            if length > wire.MAX_ANSWER_BYTES:
                raise BrokenChildError
            return await process.stdout.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise BrokenChildError from error
