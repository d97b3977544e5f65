"""What an embedding model is, whatever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.embedding.tokenizer import TextTokenizer, TokenIds


@dataclass(frozen=True)
class Encoded:
    """One batch's output, float32, rows in the batch's order.

    `vectors` is `(n, dimension)` of unit length. `states` is `(n, longest, dimension)`: a row of unit length for each
    token of each text; rows behind a text's end mean nothing.
    """

    vectors: NDArray[np.float32]
    states: NDArray[np.float32]


class EmbeddingModel(Protocol):
    """A loaded and warmed-up model. Every method blocks."""

    @property
    def id(self) -> str:
        """The model's public name."""
        ...

    @property
    def backend(self) -> str:
        """What runs it, by the name that `embedding.backend` has for it."""
        ...

    @property
    def revision(self) -> str:
        """Changes whenever the vectors do."""
        ...

    @property
    def space(self) -> str:
        """Names what its vectors may be compared with: the weights, whatever runs them."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def tokenizer(self) -> TextTokenizer: ...

    def encode(self, batch: Sequence[TokenIds]) -> Encoded:
        """Runs in one thread at a time."""
        ...


class ModelLoadError(Exception):
    """The model can't be loaded; the message names the file, the reason and what to do."""
