"""OpenVINO on the CPU."""

import os
from collections.abc import Sequence
from typing import Literal

import numpy as np

from libs.inference.openvino_runtime import import_openvino
from services.embedding.adapters.openvino_ir import OpenVinoIr
from services.embedding.adapters.padding import padded
from services.embedding.folders import ModelFolder
from services.embedding.ports import Encoded
from services.embedding.tokenizer import TextTokenizer, TokenIds

Precision = Literal["float32", "bfloat16", "int8"]

# OpenVINO keeps what it prepared for this many of a batch's shapes; 5,000, its own number, fill a gigabyte.
SHAPES_KEPT = 256


class OpenVinoModel:
    """`bfloat16` is float32's weights with products in bfloat16, for processors that multiply it themselves."""

    def __init__(self, folder: ModelFolder, ir: OpenVinoIr, precision: Precision) -> None:
        openvino = import_openvino()
        recipe = f"-{ir.header.int8_revision}" if precision == "int8" else ""
        self.id = folder.id
        self.backend = f"openvino-{precision}"
        self.revision = f"{folder.revision}-openvino-{precision}{recipe}"
        self.space = folder.space
        self.tokenizer = TextTokenizer(folder.path)
        # What isn't int8 in the int8 model stays float32: with bfloat16 a single query took twice as long.
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0)),
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
            "CPU_RUNTIME_CACHE_CAPACITY": SHAPES_KEPT,
        }
        path = ir.int8 if precision == "int8" else ir.float32
        compiled = openvino.Core().compile_model(str(path), "CPU", options)
        self._request = compiled.create_infer_request()
        self.dimension = int(compiled.output("vectors").partial_shape[1].get_length())
        self.token_dimension = int(compiled.output("states").partial_shape[2].get_length())

    def encode(self, batch: Sequence[TokenIds]) -> Encoded:
        ids, mask = padded(batch, self.tokenizer.padding, self.tokenizer.limit)
        self._request.infer({"input_ids": ids, "attention_mask": mask})
        # Copies: the request writes its next outputs over these.
        vectors = np.array(self._request.get_tensor("vectors").data, np.float32)
        return Encoded(vectors, np.array(self._request.get_tensor("states").data, np.float32))


def multiplies_bfloat16() -> bool:
    """Whether this machine's processor does."""
    return "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
