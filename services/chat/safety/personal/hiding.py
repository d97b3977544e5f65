"""Models that may run elsewhere, and read names in place of personal data."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from libs.inference.entailment import Inference
from services.chat.ports import Embedder, EntailmentModel
from services.chat.safety.personal.masking import StandIns


class HidingEmbedder:
    """The same value has the same name in every text, so that texts that share one stay alike."""

    def __init__(self, embedder: Embedder, stand_ins: StandIns) -> None:
        self._embedder = embedder
        self._stand_ins = stand_ins

    async def embed(self, texts: list[str]) -> NDArray[np.float32]:
        return await self._embedder.embed([self._stand_ins.hide(text) for text in texts])


class HidingEntailmentModel:
    def __init__(self, model: EntailmentModel, stand_ins: StandIns) -> None:
        self._model = model
        self._stand_ins = stand_ins

    async def infer(self, pairs: Sequence[tuple[str, str]]) -> list[Inference]:
        hide = self._stand_ins.hide
        return await self._model.infer([(hide(premise), hide(hypothesis)) for premise, hypothesis in pairs])
