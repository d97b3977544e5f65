"""Which token follows, by one request's sampling."""

from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from services.generation.engines import worker_protocol as protocol


class NoProbabilitiesError(Exception):
    """The model's numbers for one answer make none; others may well go on."""

    def __init__(self) -> None:
        super().__init__("The model's numbers make no probabilities.")


class TokenSampler:
    """Its own random numbers, so that a seed repeats an answer whatever is decoded beside it."""

    def __init__(self, command: protocol.Generate, device: torch.device) -> None:
        self._penalty = LogitsProcessorList()
        if command.repetition_penalty != 1:
            self._penalty.append(RepetitionPenaltyLogitsProcessor(command.repetition_penalty))
        self._warpers = LogitsProcessorList()
        self._samples = command.temperature > 0
        if self._samples:
            self._warpers.append(TemperatureLogitsWarper(command.temperature))
            if command.top_k is not None:
                self._warpers.append(TopKLogitsWarper(command.top_k))
            if command.top_p < 1:
                self._warpers.append(TopPLogitsWarper(command.top_p))
        self._random = torch.Generator(device).manual_seed(command.seed)

    def choose(self, context: list[int], logits: torch.Tensor) -> int:
        """A token by its `logits`, (vocabulary,) float32. `context`: the prompt and the answer so far.

        Raises NoProbabilitiesError.
        """
        scores = _processed(self._penalty, context, logits[None])
        if not self._samples:
            return int(scores.argmax())
        probabilities = _processed(self._warpers, [], scores).softmax(-1)
        # multinomial would find it too, on a GPU in a way that ends every other answer with this one.
        if not bool(probabilities.isfinite().all()):
            raise NoProbabilitiesError
        return int(torch.multinomial(probabilities[0], 1, generator=self._random))


def _processed(processors: LogitsProcessorList, context: list[int], scores: torch.Tensor) -> torch.Tensor:
    ids: Any = torch.tensor([context], dtype=torch.long, device=scores.device)
    return processors(ids, scores)
