"""sentence-transformers on the CPU."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.embedding.adapters.openvino_ir import weights_sha256
from services.embedding.adapters.padding import padded
from services.embedding.ports import Encoded
from services.embedding.tokenizer import TextTokenizer, TokenIds

REVISION_CHARS = 12


class SentenceTransformerModel:
    """torch is imported here and not above, so that the process answers before it is there.

    Where the processor multiplies bfloat16 itself, matrix products run in it: 1.6 times the speed at a cosine of
    0.9999 to float32 (docs/decisions/0005-embedding-on-the-cpu.md).
    """

    def __init__(self, name: str, model_id: str, folder: Path) -> None:
        # Set before torch starts its threads: waiting threads sleep rather than spin. On cores shared with other
        # processes spinning took more than half of the speed.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        # Every new shape of a batch leaves a compiled kernel behind; a thousand of them, the default, fill 500 MB.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

        import torch  # noqa: PLC0415 - the service answers its health checks while these load
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - takes seconds
        from transformers.utils import logging  # noqa: PLC0415 - takes seconds

        logging.disable_progress_bar()
        self.id = model_id
        self.backend = "torch"
        self.tokenizer = TextTokenizer(folder)
        self._torch = torch
        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self.dimension = self._model.get_embedding_dimension() or 0
        processor = torch.cpu.get_capabilities()
        self._bfloat16 = bool(processor.get("avx512_bf16") or processor.get("amx_bf16"))
        precision = "bfloat16" if self._bfloat16 else "float32"
        weights = weights_sha256(name)[:REVISION_CHARS]
        self.space = f"{model_id}@{weights}"
        self.revision = f"{weights}-torch-{precision}"

    def encode(self, batch: Sequence[TokenIds]) -> Encoded:
        torch = self._torch
        ids, mask = padded(batch)
        inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            outputs = self._model.forward(inputs)
            vectors = torch.nn.functional.normalize(outputs["sentence_embedding"].float())
            states = torch.nn.functional.normalize(outputs["token_embeddings"].float(), dim=-1)
        return Encoded(np.asarray(vectors.numpy(), np.float32), np.asarray(states.numpy(), np.float32))
