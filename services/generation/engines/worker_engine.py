"""A model that a worker process of ours decodes."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from services.generation.engines import worker_protocol as protocol
from services.generation.engines.worker_process import WorkerProcess
from services.generation.ports import (
    EngineBusyError,
    EngineRefusedError,
    EngineUnavailableError,
    Event,
    Finished,
    GenerationRequest,
    Message,
    PromptTooLongError,
    TextDelta,
    TokenLogprob,
)

_SEEDS = 1 << 31


@dataclass(frozen=True)
class EngineLoad:
    """`active`: requests in the worker. `decoded_tokens`: all since the model was loaded."""

    active: int
    decoded_tokens: int


class WorkerEngine:
    """`max_running` requests are decoded together, `max_waiting` more wait; then EngineBusyError.

    A worker that died is started again by the next request, and goes on starting when that one doesn't wait for it:
    loading may take longer than anybody waits. `context_tokens` lowers the model's own context length.
    """

    def __init__(self, worker: str, *, model_id: str, context_tokens: int, max_running: int, max_waiting: int) -> None:
        self._module = worker
        self._model_id = model_id
        self._context_tokens = context_tokens
        self._max_in_flight = max_running + max_waiting
        self._launch: asyncio.Task[WorkerProcess] | None = None
        self._ids = itertools.count(1)
        self._in_flight = 0

    @property
    def model_id(self) -> str:
        return self._model_id

    @property
    def context_length(self) -> int:
        """What was configured until the worker has read the model's own."""
        return self._context_tokens

    async def start(self) -> None:
        try:
            await self._running_worker()
        except asyncio.CancelledError:
            await self.close()
            raise

    async def close(self) -> None:
        launch, self._launch = self._launch, None
        if launch:
            launch.cancel()
            (worker,) = await asyncio.gather(launch, return_exceptions=True)
            if isinstance(worker, WorkerProcess):
                await worker.close()

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Event]:
        if self._in_flight >= self._max_in_flight:
            raise EngineBusyError
        self._in_flight += 1
        try:
            worker = await self._running_worker()
            command = self._command(request)
            with worker.conversation(command) as conversation:
                try:
                    while True:
                        event = _event(await conversation.next_reply())
                        yield event
                        if isinstance(event, Finished):
                            return
                finally:
                    worker.send(protocol.Cancel(id=command.id))  # the worker ignores it where the answer had ended
        finally:
            self._in_flight -= 1

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return await self._counts(protocol.Count(id=next(self._ids), texts=[_encodable(text) for text in texts]))

    async def count_prompt(self, messages: Sequence[Message]) -> int:
        """The tokens of a prompt as `generate` would count it. Raises EngineUnavailableError."""
        (count,) = await self._counts(protocol.CountPrompt(id=next(self._ids), messages=_chat(messages)))
        return count

    async def load(self) -> EngineLoad:
        """What the worker is doing, between two of its steps. Raises EngineUnavailableError."""
        reply = await self._ask(protocol.ReadLoad(id=next(self._ids)))
        if not isinstance(reply, protocol.Load):
            raise EngineUnavailableError(f"The worker answered {reply!r} when asked for its load.")
        return EngineLoad(reply.active, reply.decoded_tokens)

    async def _arguments(self) -> list[str]:
        """Of the worker's command line, once the model's files are ready. Raises EngineUnavailableError."""
        raise NotImplementedError

    async def _counts(self, question: protocol.Count | protocol.CountPrompt) -> list[int]:
        reply = await self._ask(question)
        if isinstance(reply, protocol.Failed | protocol.Refused):
            raise EngineUnavailableError(reply.reason)
        if not isinstance(reply, protocol.Counts):
            raise EngineUnavailableError(f"The worker answered {reply!r} to a count.")
        return reply.counts

    async def _ask(self, question: protocol.Question) -> protocol.Reply:
        worker = await self._running_worker()
        with worker.conversation(question) as conversation:
            return await conversation.next_reply()

    async def _running_worker(self) -> WorkerProcess:
        if self._launch is None or _failed(self._launch):
            self._launch = asyncio.create_task(self._launched(self._launch))
            self._launch.add_done_callback(_failed)  # nobody may be left to hear of it
        return await asyncio.shield(self._launch)

    async def _launched(self, former: asyncio.Task[WorkerProcess] | None) -> WorkerProcess:
        if former and not former.cancelled() and not former.exception():
            await former.result().close()
        worker = await WorkerProcess.launch(self._module, await self._arguments())
        self._context_tokens = worker.context_tokens
        return worker

    def _command(self, request: GenerationRequest) -> protocol.Generate:
        sampling = request.sampling
        return protocol.Generate(
            id=next(self._ids),
            messages=_chat(request.messages),
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            repetition_penalty=sampling.repetition_penalty,
            stop=[_encodable(string) for string in sampling.stop],
            seed=secrets.randbelow(_SEEDS) if sampling.seed is None else sampling.seed % _SEEDS,
            logprobs=sampling.logprobs,
        )


def _failed(launch: asyncio.Task[WorkerProcess]) -> bool:
    """Whether nothing came of it, or what did has died."""
    return launch.done() and (launch.cancelled() or launch.exception() is not None or not launch.result().alive)


def _event(reply: protocol.Reply) -> Event:
    match reply:
        case protocol.Text():
            logprobs = (TokenLogprob(entry.token, entry.logprob, tuple(entry.top)) for entry in reply.logprobs)
            return TextDelta(reply.text, tuple(logprobs))
        case protocol.Done():
            return Finished(reply.finish_reason, reply.prompt_tokens, reply.completion_tokens)
        case protocol.TooLong():
            raise PromptTooLongError(reply.prompt_tokens, reply.limit, roughly="at least " if reply.at_least else "")
        case protocol.Refused():
            raise EngineRefusedError(reply.reason)
        case protocol.Failed():
            raise EngineUnavailableError(reply.reason)
        case _:
            raise EngineUnavailableError(f"The worker answered {reply!r} to a prompt.")


def _chat(messages: Sequence[Message]) -> list[protocol.ChatMessage]:
    return [protocol.ChatMessage(role=message.role, content=_encodable(message.content)) for message in messages]


def _encodable(text: str) -> str:
    """Without lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode()
