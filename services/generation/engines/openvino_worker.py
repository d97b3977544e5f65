"""The process in which OpenVINO decodes: `python -m services.generation.engines.openvino_worker FOLDER …`.

A process and not a thread, because a step of the pipeline holds the interpreter's lock for as long as it computes
(0.1 to 2 s), in which an event loop beside it could neither answer a health check nor notice a cancellation; and so
that a crash of native code costs the answers being written and not the service. One thread, no locks: commands are
read between steps.
"""

import argparse
import os
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from libs.inference.openvino_runtime import import_openvino_genai
from services.generation.engines import openvino_protocol as protocol
from services.generation.engines.control_tokens import PlainText
from services.generation.engines.decoding import Detokenizer, StopStrings
from services.generation.engines.openvino_ir import OpenVinoModel, read_model
from services.generation.ports import FinishReason

if TYPE_CHECKING:
    from openvino_genai import ContinuousBatchingPipeline, GenerationConfig
    from openvino_genai.py_openvino_genai import GenerationHandle

_READ_BYTES = 1 << 16
# Of prompts computed in one step: what a cancellation, or another answer's next word, waits for at most.
_STEP_TOKENS = 64


@dataclass
class _Generation:
    """An answer being written."""

    id: int
    handle: "GenerationHandle"
    prompt_tokens: int
    detokenizer: Detokenizer
    stop: StopStrings
    completion_tokens: int = 0


class _Commands:
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

    def __init__(self, model: OpenVinoModel, *, context_tokens: int, max_running: int, kv_cache_gb: int) -> None:
        self._genai = import_openvino_genai()
        scheduler = self._genai.SchedulerConfig()
        scheduler.max_num_seqs = max_running
        scheduler.max_num_batched_tokens = _STEP_TOKENS
        scheduler.dynamic_split_fuse = True
        scheduler.enable_prefix_caching = True
        scheduler.cache_size = kv_cache_gb
        self._pipeline: ContinuousBatchingPipeline = self._genai.ContinuousBatchingPipeline(
            str(model.folder), scheduler, "CPU"
        )
        self._tokenizer = self._pipeline.get_tokenizer()
        self._context_tokens = min(context_tokens, model.context_length)
        self._control_ids = {token.id for token in model.control_tokens}
        self._plain = PlainText(model.control_tokens, self._ids)
        self._active: dict[int, _Generation] = {}
        self._decoded_tokens = 0
        self._warm_up()

    def run(self, commands: _Commands, replies: int) -> None:
        """Until `commands` closes. `replies` is the descriptor that answers are written to."""
        _write(replies, protocol.Ready())
        while not commands.closed:
            busy = self._pipeline.has_non_finished_requests()
            for command in commands.read(wait=not busy):
                try:
                    for reply in self._obey(command):
                        _write(replies, reply)
                except (ValueError, RuntimeError) as error:  # of this command; the others go on
                    _write(replies, protocol.Failed(id=command.id, reason=str(error)))
            if self._pipeline.has_non_finished_requests():
                self._pipeline.step()
            for generation in list(self._active.values()):
                for reply in self._collect(generation):
                    _write(replies, reply)

    def _warm_up(self) -> None:
        """Lets OpenVINO prepare its kernels, which takes seconds, before somebody waits for an answer."""
        prompt = self._tokenizer.encode("warm " * _STEP_TOKENS, add_special_tokens=False).input_ids
        handle = self._pipeline.add_request(0, prompt, self._genai.GenerationConfig(max_new_tokens=1))
        while self._pipeline.has_non_finished_requests():
            self._pipeline.step()
        del handle  # letting go of it earlier would cancel the request

    def _obey(self, command: protocol.Command) -> Iterator[protocol.Reply]:
        match command:
            case protocol.Generate():
                yield from self._begin(command)
            case protocol.Cancel():
                cancelled = self._active.pop(command.id, None)
                if cancelled:
                    cancelled.handle.cancel()
            case protocol.Count():
                counts = [len(self._ids(self._plain(text))) for text in command.texts]
                yield protocol.Counts(id=command.id, counts=counts)
            case protocol.ReadLoad():
                yield protocol.Load(id=command.id, active=len(self._active), decoded_tokens=self._decoded_tokens)

    def _begin(self, command: protocol.Generate) -> Iterator[protocol.Reply]:
        history = [{"role": message.role, "content": self._plain(message.content)} for message in command.messages]
        prompt = self._tokenizer.apply_chat_template(history, add_generation_prompt=True)
        ids = self._tokenizer.encode(prompt, add_special_tokens=False).input_ids
        prompt_tokens = ids.shape[1]
        room = self._context_tokens - prompt_tokens
        if room < 1:
            yield protocol.TooLong(id=command.id, prompt_tokens=prompt_tokens, limit=self._context_tokens)
            return
        config: GenerationConfig = self._genai.GenerationConfig(
            max_new_tokens=min(command.max_tokens, room),
            stop_token_ids=self._control_ids,  # none of them has a place inside an answer
            do_sample=command.temperature > 0,
            rng_seed=command.seed,
        )
        config.set_eos_token_id(self._tokenizer.get_eos_token_id())
        if command.temperature > 0:
            config.temperature, config.top_p = command.temperature, command.top_p
        self._active[command.id] = _Generation(
            command.id,
            self._pipeline.add_request(command.id, ids, config),
            prompt_tokens,
            Detokenizer(self._decode),
            StopStrings(command.stop),
        )

    def _collect(self, generation: _Generation) -> Iterator[protocol.Reply]:
        text, reason = "", self._genai.GenerationFinishReason.NONE
        while generation.handle.can_read() and not generation.stop.met:
            for output in generation.handle.read().values():
                generation.completion_tokens += len(output.generated_ids)
                self._decoded_tokens += len(output.generated_ids)
                text += generation.stop.push(generation.detokenizer.push(output.generated_ids))
                reason = output.finish_reason
        ended = reason != self._genai.GenerationFinishReason.NONE
        if ended and not generation.stop.met:
            text += generation.stop.push(generation.detokenizer.close()) + generation.stop.close()
        if text:
            yield protocol.Text(id=generation.id, text=text)
        if generation.stop.met and not ended:
            generation.handle.stop()
        if ended or generation.stop.met:
            length = reason == self._genai.GenerationFinishReason.LENGTH and not generation.stop.met
            yield self._done(generation, "length" if length else "stop")
        elif generation.handle.get_status() != self._genai.GenerationStatus.RUNNING:
            del self._active[generation.id]
            yield protocol.Failed(id=generation.id, reason="The pipeline gave the request up: its cache is too small.")

    def _done(self, generation: _Generation, reason: FinishReason) -> protocol.Done:
        del self._active[generation.id]
        return protocol.Done(
            id=generation.id,
            finish_reason=reason,
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=generation.completion_tokens,
        )

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).input_ids.data[0].tolist()

    def _decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)


def _write(descriptor: int, reply: BaseModel) -> None:
    line = reply.model_dump_json().encode() + b"\n"
    while line:
        line = line[os.write(descriptor, line) :]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--context-tokens", type=int, required=True)
    parser.add_argument("--max-running", type=int, required=True)
    parser.add_argument("--kv-cache-gb", type=int, required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the engine closes our input
    replies = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever native code prints must not land among the replies
    model = read_model(options.folder)
    if model is None:
        parser.error(f"{str(options.folder)!r} holds no model converted by this version of OpenVINO")
    worker = Worker(
        model,
        context_tokens=options.context_tokens,
        max_running=options.max_running,
        kv_cache_gb=options.kv_cache_gb,
    )
    with suppress(BrokenPipeError):  # the engine is gone
        worker.run(_Commands(sys.stdin.fileno()), replies)
    os._exit(0)  # taking the pipeline down in order is slow, and noisy about answers it was still writing


if __name__ == "__main__":
    main()
