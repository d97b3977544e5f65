"""sentence-transformers on the CPU."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from libs.stores.weights import WeightsError, WeightsMissingError, WeightsStore
from libs.stores.weights_catalogue import CATALOGUE
from services.embedding.ports import ModelLoadError, TokenIds

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

WEIGHTS_FILE = "model.safetensors"
REVISION_CHARS = 12


class SentenceTransformerModel:
    """Weights from the store; torch is imported by `load`, so that the process answers before it is there.

    Where the processor multiplies bfloat16 itself, matrix products run in it: 1.6 times the speed at a cosine of
    0.9999 to float32 (docs/decisions/0005-embedding-on-the-cpu.md).
    """

    def __init__(self, name: str, store: WeightsStore) -> None:
        weights = CATALOGUE.get(name)
        digests = [file.sha256 for file in weights.files if file.path == WEIGHTS_FILE] if weights else []
        self.id = weights.model if weights else name
        self.revision = digests[0][:REVISION_CHARS] if digests else ""
        self.dimension = 0
        self._name = name
        self._store = store
        self._model: SentenceTransformer
        self._tokenizer: Tokenizer
        self._bfloat16 = False

    def load(self) -> None:
        try:
            folder = self._store.locate(self._name)
        except WeightsMissingError as error:
            raise ModelLoadError(str(error)) from error
        try:
            self._load_from(folder)
        except Exception as error:  # whatever torch, transformers or the parsers of three file formats raise
            try:
                self._store.verify(self._name)
            except (WeightsError, WeightsMissingError) as damaged:
                raise ModelLoadError(str(damaged)) from error
            raise ModelLoadError(f"The model in {str(folder)!r} can't be loaded: {error}") from error

    def tokenize(self, texts: Sequence[str]) -> list[TokenIds]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]

    def embed(self, batch: Sequence[TokenIds]) -> NDArray[np.float32]:
        import torch  # noqa: PLC0415 - seconds of import that `load` has already paid

        longest = max(map(len, batch))
        ids = torch.zeros((len(batch), longest), dtype=torch.long)
        mask = torch.zeros((len(batch), longest), dtype=torch.long)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            rows = self._model.forward({"input_ids": ids, "attention_mask": mask})["sentence_embedding"]
            rows = torch.nn.functional.normalize(rows.float())
        return rows.numpy()

    def _load_from(self, folder: Path) -> None:
        # Set before torch starts its threads: waiting threads sleep rather than spin. On cores shared with other
        # processes spinning took more than half of the speed.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        # Every new shape of a batch leaves a compiled kernel behind; a thousand of them, the default, fill 500 MB.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        limit = int(json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(limit)
        self._tokenizer.no_padding()

        import torch  # noqa: PLC0415 - the service answers its health checks while these load
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415
        from transformers.utils import logging  # noqa: PLC0415

        logging.disable_progress_bar()
        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self.dimension = self._model.get_embedding_dimension() or 0
        processor = torch.cpu.get_capabilities()
        self._bfloat16 = bool(processor.get("avx512_bf16") or processor.get("amx_bf16"))
        self.embed(self.tokenize(["warm up", "a second, longer text " * limit]))
