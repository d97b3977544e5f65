"""A transformers model for sequence classification, on the CPU or on a CUDA GPU."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.embedding.adapters.padding import padded_length
from services.embedding.adapters.sentence_transformer import Device, chosen_device, product_type, set_up_torch
from services.embedding.adapters.torch_device import on_device
from services.embedding.folders import ModelFolder
from services.embedding.tokenizer import PairTokenizer, PairTokens


class SequenceClassifier:
    """Matrix products run in the type that the embedding model's do on this device."""

    def __init__(self, folder: ModelFolder, device: Device = "auto") -> None:
        """Raises RuntimeError where a GPU is asked for and torch sees none, ValueError where weights are missing."""
        self._torch = torch = set_up_torch()
        from transformers import AutoModelForSequenceClassification  # noqa: PLC0415 - takes seconds

        self.id = folder.id
        self.tokenizer = PairTokenizer(folder.path)
        self.labels = labels_of(folder)
        self._device = chosen_device(torch, device)
        load: Any = AutoModelForSequenceClassification.from_pretrained  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        made: tuple[Any, dict[str, Any]] = load(
            str(folder.path), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
        if made[1]["missing_keys"]:
            # transformers would fill them with random numbers.
            missing = ", ".join(sorted(made[1]["missing_keys"]))
            raise ValueError(f"its weights lack {missing}: it was never trained to classify")
        self._model = made[0].to(self._device).eval()
        # Some architectures don't take them, others ignore them.
        self._takes_types = (getattr(self._model.config, "type_vocab_size", 0) or 0) > 1
        self._products = product_type(torch, self._device)
        self.backend = "torch-cuda" if self._device == "cuda" else "torch"
        self.revision = f"{folder.revision}-{self.backend}-{str(self._products).removeprefix('torch.')}"

    def probabilities(self, batch: Sequence[PairTokens]) -> NDArray[np.float32]:
        """Also raises DeviceFullError and DeviceLostError."""
        rows = on_device(self._torch, self._device, lambda: self._softmax(batch))
        if not np.isfinite(rows).all():
            raise ValueError("The model gave a probability that is no number.")
        return rows

    def _softmax(self, batch: Sequence[PairTokens]) -> NDArray[np.float32]:
        torch = self._torch
        inputs = {name: torch.from_numpy(rows).to(self._device) for name, rows in self._padded(batch).items()}
        narrow = self._products != torch.float32
        with torch.inference_mode(), torch.autocast(self._device, self._products if narrow else None, enabled=narrow):
            logits = self._model(**inputs).logits.float()
        return np.asarray(torch.softmax(logits, dim=-1).cpu().numpy(), np.float32)

    def _padded(self, batch: Sequence[PairTokens]) -> dict[str, NDArray[np.int64]]:
        longest = padded_length(max(map(len, batch)), self.tokenizer.limit)
        ids = np.full((len(batch), longest), self.tokenizer.padding, np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for row, pair in enumerate(batch):
            ids[row, : len(pair)] = pair.ids
            types[row, : len(pair)] = pair.types
            mask[row, : len(pair)] = 1
        return {"input_ids": ids, "attention_mask": mask} | ({"token_type_ids": types} if self._takes_types else {})


def labels_of(folder: ModelFolder) -> tuple[str, ...]:
    """In the order of the model's outputs. Raises KeyError or ValueError where config.json has none."""
    named: dict[str, str] = json.loads((folder.path / "config.json").read_text())["id2label"]
    return tuple(named[number] for number in sorted(named, key=int))
