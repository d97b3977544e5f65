"""Late interaction (MaxSim, Khattab and Zaharia 2020): a query's tokens against a passage's, in numpy alone.

A passage's token vectors are stored as one bit a dimension, its sign: many dimensions together still point where the
vector did. The query keeps its precision. Measured in docs/decisions/0011-token-vectors.md.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

# The eight signs that each of the 256 bytes stands for.
_SIGNS: NDArray[np.float32] = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) * 2 - 1
# Unpacked at a time: what stays in the processor's cache is several times as fast.
_BLOCK_TOKENS = 1024
# One thread multiplies these small matrices: BLAS's others spin while they wait, which took ten times the processor
# time on cores that other processes use.
_BLAS = ThreadpoolController().select(user_api="blas")


def stored_form(dimension: int) -> str:
    """Names how tokens of `dimension` numbers are stored; tokens of two forms can't be compared."""
    return f"1bit-{dimension}"


def bytes_per_token(dimension: int) -> int:
    """Of a passage's token; what the last byte has beyond `dimension` bits counts for nothing."""
    return -(-dimension // 8)


def pack_passage(states: NDArray[np.float32]) -> bytes:
    """A passage's token vectors, `(n, dimension)`, as `bytes_per_token(dimension)` bytes a token."""
    return np.packbits(states > 0, axis=1).tobytes()


def pack_query(states: NDArray[np.float32]) -> bytes:
    """A query's token vectors, `(m, dimension)` of unit length, as little-endian float16."""
    return states.astype("<f2").tobytes()


def query_tokens(packed: bytes, dimension: int) -> NDArray[np.float32]:
    """What `pack_query` packed, `(m, dimension)`. Raises ValueError where it is something else."""
    if not packed:
        return np.empty((0, dimension), np.float32)
    return np.frombuffer(packed, "<f2").reshape(-1, dimension).astype(np.float32)


def maxsim(query: NDArray[np.float32], passages: Sequence[bytes]) -> NDArray[np.float32]:
    """`(len(passages),)`: the mean, over the query's tokens, of the best cosine among a passage's tokens; -1 to 1.

    `query` is `(m, dimension)` with rows of unit length, `passages` are `pack_passage`'s of the same dimension. A query
    or a passage without tokens scores 0. Raises ValueError where the bytes aren't whole tokens.
    """
    scores = np.zeros(len(passages), np.float32)
    if not len(query):
        return scores
    dimension = query.shape[1]
    width = bytes_per_token(dimension)
    if any(len(passage) % width for passage in passages):
        raise ValueError(f"Token vectors have {width} bytes a token; another form came.")
    spoken = [index for index, passage in enumerate(passages) if passage]
    if not spoken:
        return scores
    packed = np.frombuffer(b"".join(passages[index] for index in spoken), np.uint8).reshape(-1, width)
    # A row of signs is sqrt(dimension) long, and the part of a vector that its signs keep is sqrt(2/pi) where its
    # entries are normally distributed (Gao and Long 2024, RaBitQ, section 3): with both undone, products are cosines.
    columns = np.zeros((width * 8, len(query)), np.float32)
    columns[:dimension] = query.T * np.float32(math.sqrt(math.pi / 2 / dimension))
    cosines = np.empty((len(packed), len(query)), np.float32)
    with _BLAS.limit(limits=1):
        for start in range(0, len(packed), _BLOCK_TOKENS):
            block = slice(start, start + _BLOCK_TOKENS)
            np.matmul(np.take(_SIGNS, packed[block], axis=0).reshape(-1, width * 8), columns, out=cosines[block])
    ends = np.cumsum([len(passages[index]) // width for index in spoken])
    best = np.maximum.reduceat(cosines, np.concatenate([[0], ends[:-1]]), axis=0)
    scores[spoken] = np.clip(best, -1, 1).mean(axis=1)
    return scores
