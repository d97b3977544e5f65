"""Parses documents in child processes, so that no document can harm or outlive more than its own parse."""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader, FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson
from pydantic import TypeAdapter, ValidationError

from services.knowledge.parsing import wire
from services.knowledge.parsing.child_process import SHORT_BYTES, BrokenChildError, Child
from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits
from services.knowledge.parsing.language import language_of
from services.knowledge.parsing.media_types import HEAD_BYTES, detect_type

# What idle children may hold together: some fifteen that have read common documents, at 20 to 40 MB each.
IDLE_BYTES = 512 * 1024 * 1024
# As long as a child takes to start, while another may become free.
START_AFTER_S = 0.1
_DOCUMENT = TypeAdapter(ParsedDocument)


class Sandbox:
    """At most `children` processes that parse at a time, each replaced after `documents_per_child` or a failure.

    Children start when they are needed and hold no secret, no file but Python's own and no socket. One that has read a
    tenant's documents reads no other tenant's: it waits for the tenant's next one while the idle hold no more memory
    than `IDLE_BYTES` together, for starting another costs as much time as thirty short documents. They die with this
    process. Use it as an async context manager, or call `close`.
    """

    def __init__(self, children: int = 2, documents_per_child: int = 200) -> None:
        self._slots = asyncio.Semaphore(children)
        self._documents_per_child = documents_per_child
        self._idle: list[Child] = []
        self._busy: Counter[str] = Counter()
        self._freed = asyncio.Event()
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
                child = await self._child_for(tenant)
                self._busy[tenant] += 1
                try:
                    return await self._parse(file, request, limits, child)
                finally:
                    self._busy -= Counter([tenant])
                    self._freed.set()
                    self._freed = asyncio.Event()

    async def _child_for(self, tenant: str) -> Child:
        """An idle one of the tenant's, else a new one; while it has a busy one, that is waited for a moment first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_AFTER_S):
                while self._busy[tenant] and not self._idle_of(tenant):
                    await self._freed.wait()
        child = self._idle_of(tenant)
        if child is None:
            return Child(tenant)
        self._idle.remove(child)
        return child

    def _idle_of(self, tenant: str) -> Child | None:
        return next((child for child in self._idle if child.tenant == tenant), None)

    async def _keep(self, child: Child) -> None:
        """Where the idle hold too much, ends tenants' second children, then those that have waited longest."""
        child.idle_bytes = child.resident_bytes()
        if child.idle_bytes > IDLE_BYTES:
            await child.kill()
            return
        self._idle.append(child)
        while sum(one.idle_bytes for one in self._idle) > IDLE_BYTES:
            of_tenant = Counter(one.tenant for one in self._idle)
            spare = next((index for index, one in enumerate(self._idle) if of_tenant[one.tenant] > 1), 0)
            await self._idle.pop(spare).kill()

    async def _parse(self, file: BinaryIO, request: wire.Request, limits: ParseLimits, child: Child) -> ParsedDocument:
        fit = False
        try:
            async with asyncio.timeout(limits.wall_seconds):
                try:
                    answer = await child.ask(request, file)
                except BrokenChildError:
                    await child.kill()
                    if child.served == 1 or child.out_of_time:
                        raise
                    # An earlier document or the system may have ended it: a new child tells.
                    file.seek(0)
                    child = Child(child.tenant)
                    answer = await child.ask(request, file)
                document = await asyncio.to_thread(_document_in, answer)
            fit = child.served < self._documents_per_child
        except TimeoutError as error:
            message = f"Reading the document takes longer than {limits.wall_seconds:g} seconds. Split it and try again."
            raise ParseFailure(FailureCode.TIMEOUT, message) from error
        except ParseFailure as failure:
            fit = failure.code is FailureCode.EMPTY
            raise
        except BrokenChildError as error:
            await child.kill()
            if child.out_of_time:
                message = f"Reading the document takes more than {limits.cpu_seconds} seconds. Split it and try again."
                raise ParseFailure(FailureCode.TIMEOUT, message) from error
            raise ParseFailure(FailureCode.CRASHED, "The document can't be read: it makes the parser fail.") from error
        else:
            return document
        finally:
            if fit and not self._closed:
                await self._keep(child)
            else:
                await child.kill()


def _opened(path: Path) -> tuple[BinaryIO, bytes, int]:
    """The file, its first bytes and its size; where it is short, all of it is read."""
    file = BufferedReader(FileIO(path), SHORT_BYTES)
    try:
        head = file.peek(HEAD_BYTES)[:HEAD_BYTES]
        return file, head, os.fstat(file.fileno()).st_size
    except BaseException:
        file.close()
        raise


def _document_in(answer: bytes) -> ParsedDocument:
    """Checks an answer, which a document may have forged, and tells its language.

    Raises `ParseFailure`, or `BrokenChildError`.
    """
    try:
        fields: dict[str, Any] = orjson.loads(answer)
        if "failure" in fields:
            raise ParseFailure(FailureCode(fields["failure"]["code"]), str(fields["failure"]["message"])[:500])
        document = _DOCUMENT.validate_python(fields["document"])
    except (orjson.JSONDecodeError, ValidationError, LookupError, TypeError, ValueError) as error:
        raise BrokenChildError from error
    if not document.text.strip() or any(start > end for start, end in _ends_and_starts(document)):
        raise BrokenChildError
    return replace(document, language=language_of(document.text))


def _ends_and_starts(document: ParsedDocument) -> Iterator[tuple[int, int]]:
    """Yields the offsets that must not decrease, as pairs of neighbours."""
    position = 0
    for block in document.blocks:
        yield position, block.start
        yield block.start, block.end
        position = block.end
    yield position, len(document.text)
