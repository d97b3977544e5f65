"""The process in which torch decodes: `python -m services.generation.engines.transformers_worker PATH …`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from services.generation.engines import worker_protocol as protocol
from services.generation.engines.decoding import DecodedToken
from services.generation.engines.token_sampling import NoProbabilitiesError, TokenSampler
from services.generation.engines.transformers_model import LoadedModel, fitting_device, fitting_dtype, load_model
from services.generation.engines.worker import Progress, serve
from services.generation.ports import FinishReason, TokenLogprob

# Of a prompt computed in one step: what a cancellation, or another answer's next word, waits for at most.
STEP_TOKENS = 256


@dataclass
class _Sequence:
    """A prompt and its answer so far. `computed` of its tokens are in the cache's row `slot`."""

    id: int
    ids: list[int]
    end: int
    sampler: TokenSampler
    logprobs: int | None
    slot: int = -1
    computed: int = 0
    unread: list[DecodedToken] = field(default_factory=list[DecodedToken])
    ended: FinishReason | None = None
    failed: str = ""


class TransformersDecoder:
    """Any causal language model of transformers with full attention, its own batching around it.

    A step computes at most 256 tokens of the oldest prompt, then one token of every answer together, less at a time
    where the device's memory is too small. Each of
    `max_running` rows of the cache keeps what it held, and a prompt that begins the same starts from there.
    """

    def __init__(self, loaded: LoadedModel, *, context_tokens: int, max_running: int) -> None:
        self._loaded = loaded
        self.context_tokens = min(context_tokens, loaded.context_length)
        self.control_tokens = loaded.control_tokens
        self._end_ids = loaded.end_ids | {token.id for token in loaded.control_tokens if token.special}
        self._cache = loaded.cache(max_running, self.context_tokens)
        self._held: list[list[int]] = [[] for _ in range(max_running)]
        self._free = list(range(max_running))  # the longest free first
        self._waiting: list[_Sequence] = []
        self._running: list[_Sequence] = []
        self._known: dict[int, _Sequence] = {}

    @property
    def busy(self) -> bool:
        return bool(self._waiting or self._running)

    def encode(self, text: str) -> list[int]:
        return self._loaded.encode(text)

    def decode(self, ids: Sequence[int]) -> str:
        return self._loaded.decode(ids)

    def chat(self, messages: list[dict[str, str]]) -> str:
        return self._loaded.chat(messages)

    def add(self, command: protocol.Generate, prompt: list[int]) -> None:
        sampler = TokenSampler(command, self._loaded.device)
        sequence = _Sequence(command.id, list(prompt), len(prompt) + command.max_tokens, sampler, command.logprobs)
        self._known[command.id] = sequence
        self._waiting.append(sequence)

    def drop(self, request_id: int) -> None:
        sequence = self._known.pop(request_id, None)
        if sequence in self._waiting:
            self._waiting.remove(sequence)
        elif sequence in self._running:
            self._release(sequence)

    def read(self, request_id: int) -> Progress:
        sequence = self._known[request_id]
        tokens, sequence.unread = sequence.unread, []
        return Progress(tokens, sequence.ended, sequence.failed)

    def step(self) -> None:
        while self._waiting and self._free:
            self._running.append(self._waiting.pop(0))
            self._running[-1].slot = self._free.pop(0)
        prompts = [sequence for sequence in self._running if sequence.computed < len(sequence.ids) - 1]
        answers = [sequence for sequence in self._running if 0 < sequence.computed == len(sequence.ids) - 1]
        # A prompt of one token has neither.
        prompts += [sequence for sequence in self._running if sequence not in prompts and sequence not in answers]
        if prompts:
            self._read_prompt(prompts[0])
        if answers:
            self._forward(answers, 1)

    def _read_prompt(self, sequence: _Sequence) -> None:
        if not sequence.computed:
            self._reuse_prefix(sequence)
        self._forward([sequence], min(STEP_TOKENS, len(sequence.ids) - sequence.computed))

    def _reuse_prefix(self, sequence: _Sequence) -> None:
        usable = sequence.ids[:-1]  # the last token's own pass says what follows
        common = [_common(held, usable) for held in self._held]
        best = max(range(len(common)), key=lambda slot: (common[slot], slot == sequence.slot))
        if best != sequence.slot:
            self._cache.copy(best, sequence.slot, common[best])
        sequence.computed = common[best]
        self._held[sequence.slot] = usable[: common[best]]

    def _forward(self, sequences: list[_Sequence], length: int) -> None:
        sequences = sorted(sequences, key=lambda sequence: sequence.slot)
        starts = [sequence.computed for sequence in sequences]
        ids = [sequence.ids[start : start + length] for sequence, start in zip(sequences, starts, strict=True)]
        try:
            positions, mask = self._cache.place([sequence.slot for sequence in sequences], starts, length)
            logits = self._loaded.next_logits(ids, self._cache, positions, mask)
        except torch.OutOfMemoryError:
            logits = None  # done with less only outside: the error holds the tensors that fill the memory
        if logits is None:
            self._forward_less(sequences, length)
            return
        for number, sequence in enumerate(sequences):
            sequence.computed += length
            self._held[sequence.slot].extend(ids[number])
            if sequence.computed == len(sequence.ids):
                try:
                    self._append(sequence, logits[number])
                except NoProbabilitiesError as error:  # any other may be a device that gave up: it ends the worker
                    self._fail(sequence, str(error))

    def _forward_less(self, sequences: list[_Sequence], length: int) -> None:
        """What had too little memory in one pass: answers by halves, half of a prompt's part; one token is given up.

        A pass that broke off left nothing behind: the next one writes the same places of the cache.
        """
        torch.cuda.empty_cache()
        if len(sequences) > 1:
            middle = len(sequences) // 2
            for half in (sequences[:middle], sequences[middle:]):
                self._forward(half, length)
        elif length > 1:
            self._forward(sequences, length // 2)
        else:
            self._fail(sequences[0], "The device has too little memory for one token more.")

    def _fail(self, sequence: _Sequence, reason: str) -> None:
        sequence.failed = reason
        self._release(sequence)

    def _append(self, sequence: _Sequence, logits: torch.Tensor) -> None:
        token_id = sequence.sampler.choose(sequence.ids, logits)
        sequence.ids.append(token_id)
        logprob = None if sequence.logprobs is None else self._logprob(token_id, logits, sequence.logprobs)
        sequence.unread.append(DecodedToken(token_id, logprob))
        if token_id in self._end_ids:
            sequence.ended = "stop"
        elif len(sequence.ids) == sequence.end:
            sequence.ended = "length"
        if sequence.ended:
            self._release(sequence)

    def _logprob(self, token_id: int, logits: torch.Tensor, alternatives: int) -> TokenLogprob:
        logprobs = logits.log_softmax(-1)
        likeliest = [int(other) for other in logprobs.topk(alternatives).indices]
        return TokenLogprob(
            self.decode([token_id]),
            float(logprobs[token_id]),
            tuple((self.decode([other]), float(logprobs[other])) for other in likeliest),
        )

    def _release(self, sequence: _Sequence) -> None:
        self._running.remove(sequence)
        self._free.append(sequence.slot)


def _common(held: Sequence[int], ids: Sequence[int]) -> int:
    """How many tokens both begin with."""
    longest = min(len(held), len(ids))
    return next((at for at in range(longest) if held[at] != ids[at]), longest)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("--context-tokens", type=int, required=True)
    parser.add_argument("--max-running", type=int, required=True)
    options = parser.parse_args()

    def load() -> TransformersDecoder:
        device = fitting_device()
        loaded = load_model(options.path, device, fitting_dtype(device))
        return TransformersDecoder(loaded, context_tokens=options.context_tokens, max_running=options.max_running)

    serve(load)


if __name__ == "__main__":
    main()
