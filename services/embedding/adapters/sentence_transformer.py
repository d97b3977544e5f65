"""sentence-transformers on the CPU or on a CUDA GPU."""

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from libs.clients.context import Lane
from services.embedding.adapters.padding import padded
from services.embedding.adapters.torch_device import on_device
from services.embedding.folders import ModelFolder
from services.embedding.ports import Encoded
from services.embedding.tokenizer import TextTokenizer, TokenIds

Device = Literal["auto", "cpu", "cuda"]


class SentenceTransformerModel:
    """torch is imported here and not above, so that the process answers before it is there.

    Matrix products run in bfloat16 where the processor or GPU multiplies it itself, on older GPUs in float16, else in
    float32. On the CPU bfloat16 gives 1.6 times the speed at a cosine of 0.9999 to float32
    (docs/decisions/0005-embedding-on-the-cpu.md).
    """

    def __init__(self, folder: ModelFolder, device: Device = "auto") -> None:
        """Raises RuntimeError where a GPU is asked for and torch sees none."""
        torch = set_up_torch()
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - takes seconds

        self.id = folder.id
        self.space = folder.space
        self.tokenizer = TextTokenizer(folder.path)
        self._torch = torch
        self._device = chosen_device(torch, device)
        self._model = SentenceTransformer(str(folder.path), device=self._device, local_files_only=True).eval()
        self.dimension = self._model.get_embedding_dimension() or 0
        self._products = product_type(torch, self._device)
        self.backend = "torch-cuda" if self._device == "cuda" else "torch"
        self.revision = f"{folder.revision}-{self.backend}-{str(self._products).removeprefix('torch.')}"
        self.token_dimension = int(self.encode(self.tokenizer.read(["a text"])).states.shape[2])

    @property
    def ingest_threads(self) -> int:
        """One: torch divides a batch among the cores."""
        return 1

    @property
    def weight_bytes(self) -> int:
        return sum(weight.numel() * weight.element_size() for weight in self._model.parameters())

    def encode(self, batch: Sequence[TokenIds], lane: Lane = "query") -> Encoded:  # noqa: ARG002 - both run alike
        """Also raises DeviceFullError and DeviceLostError."""
        return on_device(self._torch, self._device, lambda: self._encoded(batch))

    def _encoded(self, batch: Sequence[TokenIds]) -> Encoded:
        torch = self._torch
        ids, mask = padded(batch, self.tokenizer.padding, self.tokenizer.limit)
        inputs = {
            "input_ids": torch.from_numpy(ids).to(self._device),
            "attention_mask": torch.from_numpy(mask).to(self._device),
        }
        narrow = self._products != torch.float32
        with torch.inference_mode(), torch.autocast(self._device, self._products if narrow else None, enabled=narrow):
            outputs = self._model.forward(inputs)
            vectors = torch.nn.functional.normalize(outputs["sentence_embedding"].float())
            states = torch.nn.functional.normalize(outputs["token_embeddings"].float(), dim=-1)
        return Encoded(np.asarray(vectors.cpu().numpy(), np.float32), np.asarray(states.cpu().numpy(), np.float32))


def set_up_torch() -> Any:
    """torch, and transformers as a process without a network wants it. Imports both, which takes seconds."""
    # Set before torch starts its threads: waiting threads sleep rather than spin. On cores shared with other
    # processes spinning took more than half of the speed.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Every new shape of a batch leaves a compiled kernel behind; a thousand of them, the default, fill 500 MB.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

    import torch  # noqa: PLC0415 - the service answers its health checks while these load
    from transformers.utils import logging  # noqa: PLC0415 - takes seconds

    logging.disable_progress_bar()
    return torch


def chosen_device(torch: Any, wanted: Device) -> Literal["cpu", "cuda"]:
    """`auto` is the GPU where torch sees one. Raises RuntimeError where one is asked for that isn't there."""
    there: bool = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise RuntimeError("torch sees no CUDA GPU here. Set embedding.backend to auto or torch.")
    return "cuda" if there and wanted != "cpu" else "cpu"


def product_type(torch: Any, device: Literal["cpu", "cuda"]) -> Any:
    """The torch type of matrix products: the narrowest that the device multiplies itself."""
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    processor = torch.cpu.get_capabilities()
    return torch.bfloat16 if processor.get("avx512_bf16") or processor.get("amx_bf16") else torch.float32
