"""The engine's end of the worker process: its life, and who waits for which reply."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

from libs.inference.child import import_path_environment
from services.generation.engines import worker_protocol as protocol
from services.generation.ports import EngineUnavailableError

# A reply carries a few words, perhaps with their alternatives, or the token counts of one request's texts.
_LONGEST_REPLY = 1 << 22
# A step in progress may finish; then the process is killed.
_CLOSE_SECONDS = 2.0
# The id of the reply that a worker starts with.
_GREETING = 0


class Conversation:
    """The replies to one command."""

    def __init__(self) -> None:
        self._replies: asyncio.Queue[protocol.Reply | None] = asyncio.Queue()

    def receive(self, reply: protocol.Reply | None) -> None:
        """None: the worker ended, and nothing follows."""
        self._replies.put_nowait(reply)

    async def next_reply(self) -> protocol.Reply:
        """Raises EngineUnavailableError where the worker ended."""
        reply = await self._replies.get()
        if reply is None:
            raise EngineUnavailableError("The worker process ended; its last words are on standard error.")
        return reply


class WorkerProcess:
    """`context_tokens`: of prompt and answer together, as the worker said when it had loaded its model."""

    def __init__(self, process: Process) -> None:
        self.context_tokens = 0
        self._process = process
        self._conversations: dict[int, Conversation] = {}
        self._reader = asyncio.create_task(self._read())
        self.alive = True

    @classmethod
    async def launch(cls, module: str, arguments: Sequence[str]) -> "WorkerProcess":
        """A worker that has loaded its model. Raises EngineUnavailableError."""
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", module, *arguments],
            stdin=PIPE,
            stdout=PIPE,
            limit=_LONGEST_REPLY,
            env=import_path_environment(),
        )
        worker = cls(process)
        try:
            with worker.conversation(None) as greeting:
                worker.context_tokens = _context_tokens(await greeting.next_reply())
        except BaseException:
            await worker.close()
            raise
        return worker

    @contextmanager
    def conversation(self, command: protocol.Generate | protocol.Question | None) -> Generator[Conversation]:
        """Sends `command` and receives its replies; None receives the greeting."""
        request_id = command.id if command else _GREETING
        conversation = self._conversations[request_id] = Conversation()
        try:
            if not self.alive:
                conversation.receive(None)
            elif command:
                self.send(command)
            yield conversation
        finally:
            del self._conversations[request_id]

    def send(self, command: protocol.Command) -> None:
        if self.alive and self._process.stdin:
            self._process.stdin.write(command.model_dump_json().encode() + b"\n")

    async def close(self) -> None:
        """Ends the process: once its step is done, or by force, as where nobody waits any longer for the step."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._process.wait()
        finally:
            if self._process.returncode is None:
                self._process.kill()
        await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        try:
            with suppress(ValueError):  # of a line that was cut off: the worker died while it wrote
                while self._process.stdout and (line := await self._process.stdout.readline()):
                    reply = protocol.replies.validate_json(line)
                    if conversation := self._conversations.get(reply.id):
                        conversation.receive(reply)
        finally:
            self.alive = False
            for conversation in self._conversations.values():
                conversation.receive(None)


def _context_tokens(greeting: protocol.Reply) -> int:
    if isinstance(greeting, protocol.Ready):
        return greeting.context_tokens
    raise EngineUnavailableError(greeting.reason if isinstance(greeting, protocol.Failed) else repr(greeting))
