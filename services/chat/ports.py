"""What grounding needs from outside."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedder(Protocol):
    async def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """`(n, dim)` float32 rows of unit length, in the texts' order. Raises FootnoteError."""
        ...
