"""The loop of a worker process: commands read between decoding steps, answers' text written as it comes.

A process and not a thread, because a step holds the interpreter's lock for as long as it computes (OpenVINO, 0.1 to
2 s) or fights for it at each layer (torch), in which an event loop beside it could neither answer a health check nor
notice a cancellation; because a crash of native code, or a CUDA device that gave up, costs the answers being written
and not the service; and so that the service imports neither. One thread, no locks.
"""

import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from libs.stores.parent import end_with_parent
from services.generation.engines import worker_protocol as protocol
from services.generation.engines.control_tokens import PlainText
from services.generation.engines.decoding import AnswerText, DecodedToken
from services.generation.engines.gguf import ControlToken
from services.generation.ports import FinishReason

_READ_BYTES = 1 << 16
# No text of people has tokens so long; English has four.
_GENEROUS_TOKEN_CHARS = 16


@dataclass(frozen=True)
class Progress:
    """What a request got since it was last read. `ended` is None while it goes on, "failed" where it was given up."""

    tokens: Sequence[DecodedToken]
    ended: FinishReason | None = None
    failed: str = ""


class Decoder(Protocol):
    """A loaded model. Not to be called from two threads."""

    @property
    def control_tokens(self) -> Sequence[ControlToken]: ...

    @property
    def context_tokens(self) -> int:
        """Of prompt and answer together."""
        ...

    @property
    def busy(self) -> bool: ...

    def encode(self, text: str) -> list[int]:
        """Without any token that the text doesn't spell."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Without control tokens."""
        ...

    def chat(self, messages: list[dict[str, str]]) -> str:
        """The prompt by the model's own template. Raises whatever the template does where it refuses the messages."""
        ...

    def add(self, command: protocol.Generate, prompt: list[int]) -> None:
        """Raises where the request's own values are at fault."""
        ...

    def drop(self, request_id: int) -> None:
        """Before the next step. An unknown request is none."""
        ...

    def step(self) -> None:
        """One token of every running request, or at most 256 tokens of prompts, or both."""
        ...

    def read(self, request_id: int) -> Progress: ...


@dataclass
class _Generation:
    """An answer being written."""

    id: int
    prompt_tokens: int
    text: AnswerText
    completion_tokens: int = 0


class Commands:
    """Reads commands from a pipe, without waiting while there is decoding to do."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._blocks: list[bytes] = []
        self.closed = False

    def read(self, *, wait: bool) -> Iterator[protocol.Command]:
        while not self.closed and select.select([self._descriptor], [], [], None if wait else 0)[0]:
            block = os.read(self._descriptor, _READ_BYTES)
            self.closed = not block
            self._blocks.append(block)
            if b"\n" not in block:
                continue
            *lines, rest = b"".join(self._blocks).split(b"\n")
            self._blocks = [rest]
            for line in lines:
                yield protocol.commands.validate_json(line)
            wait = False


class Worker:
    """Decodes every accepted request in one batch that requests join and leave at each step."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._plain = PlainText(decoder.control_tokens, decoder.encode)
        self._active: dict[int, _Generation] = {}
        self._decoded_tokens = 0

    def run(self, commands: Commands, replies: int) -> None:
        """Until `commands` closes. `replies` is the descriptor that answers are written to."""
        _write(replies, protocol.Ready(context_tokens=self._decoder.context_tokens))
        while not commands.closed:
            for command in commands.read(wait=not self._decoder.busy):
                try:
                    for reply in self._obey(command):
                        _write(replies, reply)
                except Exception as error:  # noqa: BLE001 - of this command, whatever a template or a library raises
                    _write(replies, protocol.Refused(id=command.id, reason=str(error) or repr(error)))
            if self._decoder.busy:
                self._decoder.step()
            for generation in list(self._active.values()):
                for reply in self._collect(generation):
                    _write(replies, reply)

    def _obey(self, command: protocol.Command) -> Iterator[protocol.Reply]:
        match command:
            case protocol.Generate():
                yield from self._begin(command)
            case protocol.Cancel():
                if self._active.pop(command.id, None):
                    self._decoder.drop(command.id)
            case protocol.Count():
                counts = [len(self._decoder.encode(self._plain(text))) for text in command.texts]
                yield protocol.Counts(id=command.id, counts=counts)
            case protocol.CountPrompt():
                yield protocol.Counts(id=command.id, counts=[len(self._prompt(command.messages))])
            case protocol.ReadLoad():
                yield protocol.Load(id=command.id, active=len(self._active), decoded_tokens=self._decoded_tokens)

    def _begin(self, command: protocol.Generate) -> Iterator[protocol.Reply]:
        limit = self._decoder.context_tokens
        if (counted := self._beginning_tokens(command, limit * _GENEROUS_TOKEN_CHARS)) > limit:
            yield protocol.TooLong(id=command.id, prompt_tokens=counted, limit=limit, at_least=True)
            return
        prompt = self._prompt(command.messages)
        room = self._decoder.context_tokens - len(prompt)
        if room < 1:
            yield protocol.TooLong(id=command.id, prompt_tokens=len(prompt), limit=self._decoder.context_tokens)
            return
        self._decoder.add(command.model_copy(update={"max_tokens": min(command.max_tokens, room)}), prompt)
        text = AnswerText(self._decoder.decode, command.stop)
        self._active[command.id] = _Generation(command.id, len(prompt), text)

    def _beginning_tokens(self, command: protocol.Generate, characters: int) -> int:
        """Of a text longer than `characters`, the tokens that so many of them make; 0 of any other.

        A megabyte takes a second to count, in which nobody's answer goes on.
        """
        text = "\n".join(message.content for message in command.messages)
        return len(self._decoder.encode(text[:characters])) if len(text) > characters else 0

    def _prompt(self, messages: Sequence[protocol.ChatMessage]) -> list[int]:
        plain = [{"role": message.role, "content": self._plain(message.content)} for message in messages]
        return self._decoder.encode(self._chat(plain))

    def _chat(self, messages: list[dict[str, str]]) -> str:
        """By the template; where it refuses a system message (Gemma's does), the first of the user's says it."""
        try:
            return self._decoder.chat(messages)
        except Exception:
            merged = _without_system(messages)
            if merged is None:
                raise
            return self._decoder.chat(merged)

    def _collect(self, generation: _Generation) -> Iterator[protocol.Reply]:
        progress = self._decoder.read(generation.id)
        generation.completion_tokens += len(progress.tokens)
        self._decoded_tokens += len(progress.tokens)
        shown = [generation.text.push(progress.tokens)]
        if progress.ended:
            shown.append(generation.text.close())
        text = "".join(part.text for part in shown)
        if text:
            logprobs = [
                protocol.Logprob(token=entry.token, logprob=entry.logprob, top=list(entry.top))
                for part in shown
                for entry in part.logprobs
            ]
            yield protocol.Text(id=generation.id, text=text, logprobs=logprobs)
        if progress.failed:
            del self._active[generation.id]
            self._decoder.drop(generation.id)
            yield protocol.Failed(id=generation.id, reason=progress.failed)
        elif progress.ended or generation.text.stopped:
            del self._active[generation.id]
            self._decoder.drop(generation.id)
            yield protocol.Done(
                id=generation.id,
                finish_reason="length" if progress.ended == "length" and not generation.text.stopped else "stop",
                prompt_tokens=generation.prompt_tokens,
                completion_tokens=generation.completion_tokens,
            )


def _without_system(messages: list[dict[str, str]]) -> list[dict[str, str]] | None:
    """The messages with the system's at the head of the user's first; None where either is missing."""
    system = [message["content"] for message in messages if message["role"] == "system"]
    others = [message for message in messages if message["role"] != "system"]
    first = next((at for at, message in enumerate(others) if message["role"] == "user"), None)
    if not system or first is None:
        return None
    others[first] = {"role": "user", "content": "\n\n".join([*system, others[first]["content"]])}
    return others


def _write(descriptor: int, reply: BaseModel) -> None:
    line = reply.model_dump_json().encode() + b"\n"
    while line:
        line = line[os.write(descriptor, line) :]


def serve(load: Callable[[], Decoder]) -> None:
    """Runs a worker on standard input and output until the input closes. A model that can't be loaded is told."""
    end_with_parent(os.getppid(), signal.SIGKILL)  # a model that loads doesn't see that its input closed
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the engine closes our input
    replies = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever native code prints must not land among the replies
    with suppress(BrokenPipeError):  # the engine is gone
        try:
            worker = Worker(load())
        except Exception as error:  # noqa: BLE001 - whatever a library raises, the operator must read it
            _write(replies, protocol.Failed(id=0, reason=str(error) or repr(error)))
            os._exit(1)
        try:
            worker.run(Commands(sys.stdin.fileno()), replies)
        except BrokenPipeError:
            raise
        except Exception:  # noqa: BLE001 - what ends the worker; the engine starts another
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)  # with a device that gave up, taking things down in order may never end
    os._exit(0)  # taking a pipeline down in order is slow, and noisy about answers it was still writing
