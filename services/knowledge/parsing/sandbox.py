"""Parses documents in child processes, so that no document can harm or outlive more than its own parse."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader, FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from services.knowledge.parsing import wire
from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits
from services.knowledge.parsing.language import language_of
from services.knowledge.parsing.media_types import HEAD_BYTES, detect_type

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
_PIECE_BYTES = 1024 * 1024
_BUFFER_BYTES = 64 * 1024
_GUARDS = {"files", "calls"}
_DOCUMENT = TypeAdapter(ParsedDocument)

_log = structlog.stdlib.get_logger(__name__)


class _BrokenChildError(Exception):
    """The child ended or said something it shouldn't."""


class Sandbox:
    """A pool of at most `children` parsing processes, each replaced after `documents_per_child` documents or a failure.

    Children start when they are needed and hold no secret, no file but Python's own and no socket. One that has read a
    tenant's documents reads no other tenant's. They die with this process. Use it as an async context manager, or call
    `close`.
    """

    def __init__(self, children: int = 2, documents_per_child: int = 200) -> None:
        self._slots = asyncio.Semaphore(children)
        self._documents_per_child = documents_per_child
        self._idle: list[_Child] = []
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the idle children. A parse under way ends its own: cancel it first."""
        self._closed = True
        while self._idle:
            await self._idle.pop().kill()

    async def parse(
        self, path: Path, name: str, limits: ParseLimits | None = None, *, tenant: str = ""
    ) -> ParsedDocument:
        """Returns the text of `tenant`'s file at `path`, whose type is judged by `name` and its content.

        Waits for a free child first; the wall-clock limit counts from then. Raises `ParseFailure` when the document
        can't be read, and `OSError` when the file can't be opened or a child can't be started: that says nothing about
        the document. Cancelling ends the child at once.
        """
        limits = limits or ParseLimits()
        file, head, size = await asyncio.to_thread(_opened, path)
        with file:
            media_type = detect_type(name, head)
            if media_type is None:
                raise ParseFailure(FailureCode.UNSUPPORTED, f"Files like {name!r} can't be read.")
            if size > limits.file_bytes:
                message = f"The file is larger than {limits.file_bytes:,} bytes. Split it and try again."
                raise ParseFailure(FailureCode.TOO_LARGE, message)
            request = wire.Request(
                media_type, size, limits.text_characters, limits.blocks, limits.memory_bytes, limits.cpu_seconds
            )
            async with self._slots:
                return await self._parse(file, request, limits, await self._child_for(tenant))

    async def _child_for(self, tenant: str) -> "_Child":
        for index, child in enumerate(self._idle):
            if child.tenant == tenant:
                return self._idle.pop(index)
        if self._idle:  # there may be no more children than slots
            await self._idle.pop(0).kill()
        return _Child(tenant)

    async def _parse(
        self, file: BinaryIO, request: wire.Request, limits: ParseLimits, child: "_Child"
    ) -> ParsedDocument:
        fit = False
        try:
            async with asyncio.timeout(limits.wall_seconds):
                try:
                    answer = await child.ask(request, file)
                except _BrokenChildError:
                    await child.kill()
                    if child.served == 1 or child.out_of_time:
                        raise
                    # An earlier document or the system may have ended it: a new child tells.
                    file.seek(0)
                    child = _Child(child.tenant)
                    answer = await child.ask(request, file)
                document = await asyncio.to_thread(_document_in, answer)
            fit = child.served < self._documents_per_child
        except TimeoutError as error:
            message = f"Reading the document takes longer than {limits.wall_seconds:g} seconds. Split it and try again."
            raise ParseFailure(FailureCode.TIMEOUT, message) from error
        except ParseFailure as failure:
            fit = failure.code is FailureCode.EMPTY
            raise
        except _BrokenChildError as error:
            await child.kill()
            if child.out_of_time:
                message = f"Reading the document takes more than {limits.cpu_seconds} seconds. Split it and try again."
                raise ParseFailure(FailureCode.TIMEOUT, message) from error
            raise ParseFailure(FailureCode.CRASHED, "The document can't be read: it makes the parser fail.") from error
        else:
            return document
        finally:
            if fit and not self._closed:
                self._idle.append(child)
            else:
                await child.kill()


class _Child:
    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.served = 0
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, request: wire.Request, file: BinaryIO) -> bytes:
        """Returns the answer to one request. Raises `_BrokenChildError`."""
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
                # A short file is in memory since its head was read.
                short = request.size <= _BUFFER_BYTES
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
        except (_BrokenChildError, orjson.JSONDecodeError) as error:
            raise OSError(f"the parsing process doesn't start: try {sys.executable} -m {_CHILD_MODULE}") from error
        if missing := _GUARDS - set(guarded["guarded"]):
            _log.warning("parsing_guards_missing", missing=sorted(missing))
        return process

    async def _receive(self, process: asyncio.subprocess.Process) -> bytes:
        assert process.stdout is not None  # noqa: S101 - both ends are pipes
        try:
            length = wire.body_length(await process.stdout.readexactly(wire.LENGTH_BYTES))
            if length > wire.MAX_ANSWER_BYTES:
                raise _BrokenChildError
            return await process.stdout.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise _BrokenChildError from error


def _opened(path: Path) -> tuple[BinaryIO, bytes, int]:
    """The file, its first bytes and its size; where it is short, all of it is read."""
    file = BufferedReader(FileIO(path), _BUFFER_BYTES)
    try:
        head = file.peek(HEAD_BYTES)[:HEAD_BYTES]
        return file, head, os.fstat(file.fileno()).st_size
    except BaseException:
        file.close()
        raise


def _document_in(answer: bytes) -> ParsedDocument:
    """Checks an answer, which a document may have forged, and tells its language.

    Raises `ParseFailure`, or `_BrokenChildError`.
    """
    try:
        fields: dict[str, Any] = orjson.loads(answer)
        if "failure" in fields:
            raise ParseFailure(FailureCode(fields["failure"]["code"]), str(fields["failure"]["message"])[:500])
        document = _DOCUMENT.validate_python(fields["document"])
    except (orjson.JSONDecodeError, ValidationError, LookupError, TypeError, ValueError) as error:
        raise _BrokenChildError from error
    if not document.text.strip() or any(start > end for start, end in _ends_and_starts(document)):
        raise _BrokenChildError
    return replace(document, language=language_of(document.text))


def _ends_and_starts(document: ParsedDocument) -> Iterator[tuple[int, int]]:
    """Yields the offsets that must not decrease, as pairs of neighbours."""
    position = 0
    for block in document.blocks:
        yield position, block.start
        yield block.start, block.end
        position = block.end
    yield position, len(document.text)
