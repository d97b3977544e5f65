"""Vectors already made, kept in the process."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.embedding.ports import EmbeddedText
from services.embedding.tokenizer import TokenIds

KEY_BYTES = 16
# Of queries' token vectors: a thousand and more short questions, or 80 as long as the model reads.
MAX_TOKENS_BYTES = 1 << 24
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class CachedText:
    """`vector` is a read-only `(dimension,)` row, `tokens` counts what the model read."""

    vector: NDArray[np.float32]
    tokens: int


class CacheScope:
    """Whose vectors, and which model's: nothing that one scope cached is found by another."""

    def __init__(self, revision: str, tenant: str) -> None:
        self._start = blake2b(f"{revision}\0{tenant}\0".encode(), digest_size=KEY_BYTES)

    def text_key(self, text: str) -> bytes:
        return self._key(b"text", text.encode("utf-8", "surrogatepass"))

    def vector_key(self, tokens: TokenIds) -> bytes:
        return self._key(b"ids ", np.asarray(tokens, np.int64).tobytes())

    def _key(self, kind: bytes, content: bytes) -> bytes:
        key = self._start.copy()
        key.update(kind)
        key.update(content)
        return key.digest()


class VectorCache:
    """The most recently used vectors, at most `max_entries` of them.

    A vector is found by the text's token ids, which are the text as the model itself normalises it: texts that differ
    only in what the model can't see share an entry. A text that came before, letter by letter, is found without
    reading it into tokens. Queries' token vectors, ten times as large and more, are kept beside them up to
    `MAX_TOKENS_BYTES`: the same question comes twice within one answer. Every key holds the model's
    revision and the tenant: see docs/decisions/0023-two-caches-of-vectors.md.
    """

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._vectors: OrderedDict[bytes, bytes] = OrderedDict()
        self._texts: OrderedDict[bytes, tuple[bytes, int]] = OrderedDict()
        self._queries: OrderedDict[bytes, EmbeddedText] = OrderedDict()
        self._queries_bytes = 0

    def recall(self, scope: CacheScope, text: str) -> CachedText | None:
        """By the text itself."""
        known = self._texts.get(scope.text_key(text))
        vector = self.get(known[0]) if known else None
        return CachedText(vector, known[1]) if known and vector is not None else None

    def get(self, key: bytes) -> NDArray[np.float32] | None:
        """By `CacheScope.vector_key`: a read-only `(dimension,)` row, or None."""
        entry = self._vectors.get(key)
        if entry is None:
            return None
        self._vectors.move_to_end(key)
        return np.frombuffer(entry, np.float32)

    def put(self, scope: CacheScope, text: str, key: bytes, made: CachedText) -> None:
        """`key` is what else the vector is found by: `vector_key`, or `text_key` for a model without a tokenizer."""
        self._keep(self._vectors, key, made.vector.astype(np.float32).tobytes())
        self._keep(self._texts, scope.text_key(text), (key, made.tokens))

    def query(self, key: bytes) -> EmbeddedText | None:
        """By `CacheScope.vector_key`: a query's vector and its tokens', or None."""
        made = self._queries.get(key)
        if made:
            self._queries.move_to_end(key)
        return made

    def put_query(self, key: bytes, made: EmbeddedText) -> None:
        if not self._max_entries:
            return
        former = self._queries.pop(key, None)
        # A copy: a row of a batch would keep the whole batch.
        self._queries[key] = made = EmbeddedText(made.vector.copy(), made.tokens)
        self._queries_bytes += _bytes(made) - (_bytes(former) if former else 0)
        while self._queries_bytes > MAX_TOKENS_BYTES:
            self._queries_bytes -= _bytes(self._queries.popitem(last=False)[1])

    def _keep(self, entries: OrderedDict[bytes, Entry], key: bytes, entry: Entry) -> None:
        entries[key] = entry
        entries.move_to_end(key)
        while len(entries) > self._max_entries:
            entries.popitem(last=False)


def _bytes(query: EmbeddedText) -> int:
    return query.vector.nbytes + len(query.tokens)
