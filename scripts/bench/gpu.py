"""What a GPU makes of an embedding model: tokens a second, and how much of its memory's bandwidth that takes."""

import time
from collections.abc import Sequence
from importlib import import_module

from rich.console import Console

from services.embedding.adapters.sentence_transformer import SentenceTransformerModel
from services.embedding.ports import EmbeddingModel

BATCHES = 50
BATCH_TEXTS = 256


def print_gpu(console: Console, model: EmbeddingModel, texts: Sequence[str]) -> None:
    """The weights are read from the GPU's memory once a batch: their bytes a second are the bandwidth that is used."""
    assert isinstance(model, SentenceTransformerModel)  # noqa: S101 - the one backend that runs on a GPU
    batch = model.tokenizer.read([texts[number % len(texts)] for number in range(BATCH_TEXTS)])
    model.encode(batch)
    started = time.perf_counter()
    for _ in range(BATCHES):
        model.encode(batch)
    seconds = time.perf_counter() - started
    tokens_per_s = BATCHES * sum(map(len, batch)) / seconds
    properties = import_module("torch").cuda.get_device_properties(0)
    # Both edges of the clock; kilohertz and bits.
    peak = 2 * properties.memory_clock_rate * 1_000 * properties.memory_bus_width / 8
    share = model.weight_bytes * BATCHES / seconds / peak
    console.print(
        f"{properties.name}: {tokens_per_s:,.0f} tokens/s in batches of {BATCH_TEXTS}; the weights take {share:.1%} of "
        f"{peak / 1e9:,.0f} GB/s of memory bandwidth.",
        highlight=False,
    )
