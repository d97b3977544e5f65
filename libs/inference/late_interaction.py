"""Late interaction (MaxSim, Khattab and Zaharia 2020): a query's tokens against a passage's, in numpy alone.

A passage's token vectors are stored as one bit a dimension, its sign: many dimensions together still point where the
vector did. The query keeps its precision. Measured in docs/decisions/0011-token-vectors.md.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

# Names the stored form; tokens of two forms can't be compared.
FORMAT = "1bit-384"

DIMENSIONS = 384
BYTES_PER_TOKEN = DIMENSIONS // 8

# The eight signs that each of the 256 bytes stands for.
_SIGNS: NDArray[np.float32] = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) * 2 - 1
# A row of signs is sqrt(DIMENSIONS) long, and the part of a vector that its signs keep is sqrt(2/pi) where its entries
# are normally distributed (Gao and Long 2024, RaBitQ, section 3): with both undone, products are cosines again.
_TO_COSINE = math.sqrt(math.pi / 2 / DIMENSIONS)
# Unpacked at a time: what stays in the processor's cache is several times as fast.
_BLOCK_TOKENS = 1024
# One thread multiplies these small matrices: BLAS's others spin while they wait, which took ten times the processor
# time on cores that other processes use.
_BLAS = ThreadpoolController().select(user_api="blas")


def pack_passage(states: NDArray[np.float32]) -> bytes:
    """A passage's token vectors, `(n, DIMENSIONS)`, as BYTES_PER_TOKEN bytes a token."""
    return np.packbits(states > 0, axis=1).tobytes()


def pack_query(states: NDArray[np.float32]) -> bytes:
    """A query's token vectors, `(m, DIMENSIONS)` of unit length, as little-endian float16."""
    return states.astype("<f2").tobytes()


def query_tokens(packed: bytes) -> NDArray[np.float32]:
    """What `pack_query` packed, `(m, DIMENSIONS)`. Raises ValueError where it is something else."""
    return np.frombuffer(packed, "<f2").reshape(-1, DIMENSIONS).astype(np.float32)


def maxsim(query: NDArray[np.float32], passages: Sequence[bytes]) -> NDArray[np.float32]:
    """`(len(passages),)`: the mean, over the query's tokens, of the best cosine among a passage's tokens; -1 to 1.

    `query` is `(m, DIMENSIONS)` with rows of unit length, `passages` are `pack_passage`'s. A query or a passage without
    tokens scores 0. Raises ValueError where the bytes aren't whole tokens.
    """
    scores = np.zeros(len(passages), np.float32)
    if any(len(passage) % BYTES_PER_TOKEN for passage in passages):
        raise ValueError(f"Token vectors have {BYTES_PER_TOKEN} bytes a token; another form came.")
    spoken = [index for index, passage in enumerate(passages) if passage]
    if not len(query) or not spoken:
        return scores
    packed = np.frombuffer(b"".join(passages[index] for index in spoken), np.uint8).reshape(-1, BYTES_PER_TOKEN)
    columns = np.ascontiguousarray(query.T) * np.float32(_TO_COSINE)
    cosines = np.empty((len(packed), len(query)), np.float32)
    with _BLAS.limit(limits=1):
        for start in range(0, len(packed), _BLOCK_TOKENS):
            block = slice(start, start + _BLOCK_TOKENS)
            np.matmul(np.take(_SIGNS, packed[block], axis=0).reshape(-1, DIMENSIONS), columns, out=cosines[block])
    ends = np.cumsum([len(passages[index]) // BYTES_PER_TOKEN for index in spoken])
    best = np.maximum.reduceat(cosines, np.concatenate([[0], ends[:-1]]), axis=0)
    scores[spoken] = np.clip(best, -1, 1).mean(axis=1)
    return scores
