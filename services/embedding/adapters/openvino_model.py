"""OpenVINO on the CPU."""

import os
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any, Literal

import numpy as np

from libs.clients.context import LANES, Lane
from libs.inference.openvino_runtime import import_openvino
from services.embedding.adapters.openvino_ir import OpenVinoIr
from services.embedding.adapters.padding import padded
from services.embedding.folders import ModelFolder
from services.embedding.ports import Encoded
from services.embedding.tokenizer import TextTokenizer, TokenIds

Precision = Literal["float32", "bfloat16", "int8"]

# OpenVINO keeps what it prepared for this many of a batch's shapes; 5,000, its own number, fill a gigabyte.
SHAPES_KEPT = 256
# Batches of ingestion at once. Each takes memory of its own; beyond a few, their threads share a batch again.
MOST_INGEST_THREADS = 4


class OpenVinoModel:
    """`bfloat16` is float32's weights with products in bfloat16, for processors that multiply it themselves.

    A query's batch is divided among all cores. Batches of ingestion are not, where there are few: a batch that is
    divided waits, at each of its products, for the core that another process uses
    (docs/decisions/0010-embedding-backends.md).
    """

    def __init__(self, folder: ModelFolder, ir: OpenVinoIr, precision: Precision) -> None:
        openvino = import_openvino()
        recipe = f"-{ir.header.int8_revision}" if precision == "int8" else ""
        self.id = folder.id
        self.backend = f"openvino-{precision}"
        self.revision = f"{folder.revision}-openvino-{precision}{recipe}"
        self.space = folder.space
        self.tokenizer = TextTokenizer(folder.path)
        cores = len(os.sched_getaffinity(0))
        self.ingest_threads = min(cores, MOST_INGEST_THREADS)
        # What isn't int8 in the int8 model stays float32: with bfloat16 a single query took twice as long.
        options = {
            "INFERENCE_NUM_THREADS": cores,
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
            "CPU_RUNTIME_CACHE_CAPACITY": SHAPES_KEPT,
            # Threads tied to a core would wait for it while another is free.
            "ENABLE_CPU_PINNING": False,
        }
        path = str(ir.int8 if precision == "int8" else ir.float32)
        core = openvino.Core()
        streams: dict[Lane, int] = {"query": 1, "ingest": self.ingest_threads}
        compiled = {lane: core.compile_model(path, "CPU", options | {"NUM_STREAMS": streams[lane]}) for lane in LANES}
        self._requests: dict[Lane, SimpleQueue[Any]] = {lane: SimpleQueue() for lane in LANES}
        for lane in LANES:
            for _ in range(streams[lane]):
                self._requests[lane].put(compiled[lane].create_infer_request())
        self.dimension = int(compiled["query"].output("vectors").partial_shape[1].get_length())
        self.token_dimension = int(compiled["query"].output("states").partial_shape[2].get_length())

    def encode(self, batch: Sequence[TokenIds], lane: Lane = "query") -> Encoded:
        ids, mask = padded(batch, self.tokenizer.padding, self.tokenizer.limit)
        free = self._requests[lane]
        request = free.get()
        try:
            request.infer({"input_ids": ids, "attention_mask": mask})
            # Copies: the request writes its next outputs over these.
            vectors = np.array(request.get_tensor("vectors").data, np.float32)
            return Encoded(vectors, np.array(request.get_tensor("states").data, np.float32))
        finally:
            free.put(request)


def multiplies_bfloat16() -> bool:
    """Whether this machine's processor does."""
    return "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
