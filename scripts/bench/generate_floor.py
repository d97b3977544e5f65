"""What `footnote bench generate` measures against: transformers' own `generate`, on the same weights."""

import time
from pathlib import Path
from typing import Any

import torch
from transformers.generation.streamers import BaseStreamer
from transformers.utils.logging import disable_progress_bar

from scripts.bench.answers import Answer
from services.generation.engines.transformers_model import LoadedModel, fitting_device, fitting_dtype, load_model

_PROBE_TOKENS = 8


class _Clock(BaseStreamer):
    """When each token came; the first call brings the prompt."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: torch.Tensor) -> None:  # noqa: ARG002 - only the time counts
        self.times.append(time.perf_counter())

    def end(self) -> None:
        pass


class Floor:
    """`bytes_per_s` is the device's memory bandwidth by its data sheet; None where it doesn't say."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self.on_gpu = loaded.device.type == "cuda"
        self.bytes_per_s = _bandwidth(loaded.device)

    def answer(self, message: str, tokens: int) -> Answer:
        """Exactly so many tokens, always the likeliest."""
        prompt = self._loaded.encode(self._loaded.chat([{"role": "user", "content": message}]))
        clock = _Clock()
        options: Any = {"min_new_tokens": tokens, "max_new_tokens": tokens, "do_sample": False, "streamer": clock}
        started = time.perf_counter()
        with torch.inference_mode():
            self._loaded.model.generate(torch.tensor([prompt], device=self._loaded.device), **options)
        return Answer(len(prompt), tokens, clock.times[1] - started, clock.times[-1] - started)

    def bandwidth_share(self, tokens_per_s: float, streams: int, context_tokens: int) -> float | None:
        """Of what the memory could move, what so many tokens of `streams` answers together move at the least."""
        if self.bytes_per_s is None:
            return None
        per_token = self._loaded.cache(1, 1).bytes_per_token
        return bandwidth_share(
            tokens_per_s, streams, self._loaded.weight_bytes, context_tokens * per_token, self.bytes_per_s
        )


def bandwidth_share(
    tokens_per_s: float, streams: int, weight_bytes: int, context_bytes: int, bytes_per_s: float
) -> float:
    """A step reads the weights once, and each stream's context, and gives a token to each."""
    return tokens_per_s / streams * (weight_bytes + streams * context_bytes) / bytes_per_s


def load_floor(weights: Path) -> Floor:
    """In the precision that is faster here; on a GPU in half precision. Raises ImportError without gguf."""
    disable_progress_bar()
    device = fitting_device()
    floor = Floor(load_model(weights, device, fitting_dtype(device)))
    if floor.on_gpu:
        return floor
    model = floor._loaded.model  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its own maker
    seconds: dict[torch.dtype, float] = {}
    for dtype in (torch.float32, fitting_dtype(device)):
        model.to(dtype)
        floor.answer("warm", 2)
        seconds[dtype] = floor.answer("Why is the sky blue?", _PROBE_TOKENS).total_s
    model.to(min(seconds, key=lambda dtype: seconds[dtype]))
    return floor


def _bandwidth(device: torch.device) -> float | None:
    if device.type != "cuda":
        return None
    cuda: Any = torch.cuda  # its own annotation of this function is unfinished
    properties: Any = cuda.get_device_properties(device)
    # Kilohertz and bits; memory of this kind moves data twice a clock.
    return 2 * properties.memory_clock_rate * 1000 * properties.memory_bus_width / 8
