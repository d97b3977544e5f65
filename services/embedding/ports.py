"""What an embedding model is, whatever runs it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# A text as the model reads it: its token ids, special tokens included, cut at the model's limit.
TokenIds = list[int]


class EmbeddingModel(Protocol):
    """Turns texts into vectors. Every method blocks; none but `load` may be called before `load` has returned."""

    @property
    def id(self) -> str:
        """The model's public name."""
        ...

    @property
    def revision(self) -> str:
        """Changes whenever the vectors do."""
        ...

    @property
    def dimension(self) -> int: ...

    def load(self) -> None:
        """Reads the weights and warms the model up. Raises ModelLoadError."""
        ...

    def tokenize(self, texts: Sequence[str]) -> list[TokenIds]:
        """Each text's token ids. May run in several threads at a time."""
        ...

    def embed(self, batch: Sequence[TokenIds]) -> NDArray[np.float32]:
        """`(n, dimension)` float32 rows of unit length, in the batch's order. Runs in one thread at a time."""
        ...


class ModelLoadError(Exception):
    """The model can't be loaded; the message names the file, the reason and what to do."""
