"""Texts of different lengths as one rectangle."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.embedding.tokenizer import TokenIds

# Lengths are rounded up to a multiple of this: engines keep a compiled kernel for every shape that they have seen.
MULTIPLE = 8


def padded(batch: Sequence[TokenIds]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and attention mask, `(n, longest)` each, padded with zeros."""
    longest = -(-max(map(len, batch)) // MULTIPLE) * MULTIPLE
    ids = np.zeros((len(batch), longest), np.int64)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(batch):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return ids, mask
