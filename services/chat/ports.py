"""What grounding needs from outside."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from libs.inference.entailment import Inference


class Embedder(Protocol):
    async def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """`(n, dim)` float32 rows of unit length, in the texts' order. Raises FootnoteError."""
        ...


class EntailmentModel(Protocol):
    async def infer(self, pairs: Sequence[tuple[str, str]]) -> list[Inference]:
        """Of each pair of premise and hypothesis, in order. Raises FootnoteError, ValueError for a strange answer."""
        ...
