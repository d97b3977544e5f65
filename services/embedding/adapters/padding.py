"""Texts of different lengths as one rectangle."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.embedding.tokenizer import TokenIds

# Lengths are rounded up to a multiple of this: engines keep a compiled kernel for every shape that they have seen.
MULTIPLE = 8


def padded_length(longest: int, limit: int) -> int:
    return min(-(-longest // MULTIPLE) * MULTIPLE, limit)


def padded(batch: Sequence[TokenIds], padding: int, limit: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and attention mask, `(n, longest)` each, filled up with the token `padding`; never beyond `limit`.

    A model has no position for a token beyond its limit, not even for padding.
    """
    longest = padded_length(max(map(len, batch)), limit)
    ids = np.full((len(batch), longest), padding, np.int64)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(batch):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return ids, mask
