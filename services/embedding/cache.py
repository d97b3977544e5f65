"""Vectors already made, kept in the process."""

from collections import OrderedDict
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from services.embedding.tokenizer import TokenIds


class VectorCache:
    """The most recently used vectors, at most `max_entries` of them.

    Keyed by the model's revision and the text's token ids: the text as the model itself normalises it, so that texts
    which differ only in what the model can't see share an entry.
    """

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, revision: str, tokens: TokenIds) -> NDArray[np.float32] | None:
        """A read-only `(dimension,)` row, or None."""
        key = _key(revision, tokens)
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return np.frombuffer(entry, np.float32)

    def put(self, revision: str, tokens: TokenIds, vector: NDArray[np.float32]) -> None:
        key = _key(revision, tokens)
        self._entries[key] = vector.tobytes()
        self._entries.move_to_end(key)
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)


def _key(revision: str, tokens: TokenIds) -> bytes:
    return blake2b(np.asarray(tokens, np.int64).tobytes(), digest_size=16, key=revision.encode()).digest()
