"""A local model on openvino-genai's continuous batching, decoded in a worker process of its own."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.generation.engines import openvino_protocol as protocol
from services.generation.engines.openvino_ir import ConversionError, OpenVinoModel, prepare
from services.generation.engines.openvino_process import WorkerProcess
from services.generation.ports import (
    EngineBusyError,
    EngineUnavailableError,
    Event,
    Finished,
    GenerationRequest,
    PromptTooLongError,
    TextDelta,
)

_SEEDS = 1 << 31


@dataclass(frozen=True)
class EngineLoad:
    """`active`: requests in the pipeline. `decoded_tokens`: all since the model was loaded."""

    active: int
    decoded_tokens: int


class OpenVinoEngine:
    """`max_running` requests are decoded together, `max_waiting` more wait; then EngineBusyError.

    The first start converts the GGUF file, which takes a while. A worker that died is started again by the next
    request. `context_tokens` lowers the model's own context length. `kv_cache_gb` bounds the memory that prompts and
    answers take, shared prefixes included.
    """

    def __init__(
        self,
        gguf: Path,
        *,
        model_id: str,
        context_tokens: int,
        max_waiting: int,
        max_running: int = 8,
        kv_cache_gb: int = 1,
    ) -> None:
        self._gguf = gguf
        self._model_id = model_id
        self._context_tokens = context_tokens
        self._max_in_flight = max_running + max_waiting
        self._options = ["--max-running", str(max_running), "--kv-cache-gb", str(kv_cache_gb)]
        self._options += ["--context-tokens", str(context_tokens)]
        self._model: OpenVinoModel | None = None
        self._worker: WorkerProcess | None = None
        self._launching = asyncio.Lock()
        self._ids = itertools.count(1)
        self._in_flight = 0

    @property
    def model_id(self) -> str:
        return self._model_id

    @property
    def context_length(self) -> int:
        return min(self._context_tokens, self._model.context_length) if self._model else self._context_tokens

    async def start(self) -> None:
        await self._running_worker()

    async def close(self) -> None:
        async with self._launching:
            worker, self._worker = self._worker, None
            if worker:
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
        reply = await self._ask(protocol.Count(id=next(self._ids), texts=[_encodable(text) for text in texts]))
        if not isinstance(reply, protocol.Counts):
            raise EngineUnavailableError(f"The worker answered {reply!r} to a count.")
        return reply.counts

    async def load(self) -> EngineLoad:
        """What the worker is doing, between two of its steps. Raises EngineUnavailableError."""
        reply = await self._ask(protocol.ReadLoad(id=next(self._ids)))
        if not isinstance(reply, protocol.Load):
            raise EngineUnavailableError(f"The worker answered {reply!r} when asked for its load.")
        return EngineLoad(reply.active, reply.decoded_tokens)

    async def _ask(self, command: protocol.Count | protocol.ReadLoad) -> protocol.Reply:
        worker = await self._running_worker()
        with worker.conversation(command) as conversation:
            return await conversation.next_reply()

    async def _running_worker(self) -> WorkerProcess:
        async with self._launching:
            if self._worker and not self._worker.alive:
                await self._worker.close()
                self._worker = None
            if not self._worker:
                try:
                    self._model = await asyncio.to_thread(prepare, self._gguf)
                except (ConversionError, OSError, ValueError) as error:
                    raise EngineUnavailableError(str(error)) from error
                self._worker = await WorkerProcess.launch([str(self._model.folder), *self._options])
            return self._worker

    def _command(self, request: GenerationRequest) -> protocol.Generate:
        sampling = request.sampling
        return protocol.Generate(
            id=next(self._ids),
            messages=[
                protocol.ChatMessage(role=message.role, content=_encodable(message.content))
                for message in request.messages
            ],
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            stop=[_encodable(string) for string in sampling.stop],
            seed=secrets.randbelow(_SEEDS) if sampling.seed is None else sampling.seed % _SEEDS,
        )


def _event(reply: protocol.Reply) -> Event:
    match reply:
        case protocol.Text():
            return TextDelta(reply.text)
        case protocol.Done():
            return Finished(reply.finish_reason, reply.prompt_tokens, reply.completion_tokens)
        case protocol.TooLong():
            raise PromptTooLongError(reply.prompt_tokens, reply.limit)
        case protocol.Failed():
            raise EngineUnavailableError(reply.reason)
        case _:
            raise EngineUnavailableError(f"The worker answered {reply!r} to a prompt.")


def _encodable(text: str) -> str:
    """Without lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode()
