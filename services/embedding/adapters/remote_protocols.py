"""What servers of embeddings are sent and answer: OpenAI's `/embeddings`, text-embeddings-inference's own shape."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, TypeAdapter, ValidationError

from libs.contracts.embedding import Prediction, Rank
from libs.contracts.openai import EmbeddingResponse

# text-embeddings-inference's count of what it read.
TOKENS_HEADER = "x-compute-tokens"

_ROWS = TypeAdapter(list[list[float]])
_RANKS = TypeAdapter(list[Rank])
_PREDICTIONS = TypeAdapter(list[list[Prediction]])


class UnusableAnswerError(Exception):
    """The server's answer isn't what was asked for; the message says how."""


@dataclass(frozen=True)
class RemoteRows:
    """`vectors` is `(n, dimension)` float32 of unit length; `tokens` is None where the server doesn't count them."""

    vectors: NDArray[np.float32]
    tokens: int | None


def openai_body(texts: Sequence[str], model: str, *, truncate: bool) -> dict[str, Any]:  # noqa: ARG001 - both have it
    """Nothing but OpenAI's own fields: its servers refuse others."""
    return {"model": model, "input": [*texts], "encoding_format": "float"}


def tei_body(texts: Sequence[str], model: str, *, truncate: bool) -> dict[str, Any]:  # noqa: ARG001 - as above
    return {"inputs": [*texts], "normalize": True, "truncate": truncate}


def openai_rows(response: httpx.Response, count: int, dimension: int | None) -> RemoteRows:
    """Raises UnusableAnswerError."""
    answer = _parsed(EmbeddingResponse, response)
    rows: list[list[float]] = [[] for _ in range(count)]
    for item in answer.data:
        if not 0 <= item.index < count or isinstance(item.embedding, str):
            raise UnusableAnswerError(f"it gave a vector for text {item.index} of {count}, or not as numbers")
        rows[item.index] = item.embedding
    if len(answer.data) != count:
        raise UnusableAnswerError(f"it gave {len(answer.data)} vectors for {count} texts")
    return RemoteRows(_unit_rows(rows, dimension), answer.usage.prompt_tokens)


def tei_rows(response: httpx.Response, count: int, dimension: int | None) -> RemoteRows:
    """Raises UnusableAnswerError."""
    try:
        rows = _ROWS.validate_json(response.content)
    except ValidationError as error:
        raise UnusableAnswerError("it answered with something else than rows of numbers") from error
    if len(rows) != count:
        raise UnusableAnswerError(f"it gave {len(rows)} vectors for {count} texts")
    tokens = response.headers.get(TOKENS_HEADER, "")
    return RemoteRows(_unit_rows(rows, dimension), int(tokens) if tokens.isdecimal() else None)


def tei_scores(response: httpx.Response, count: int) -> NDArray[np.float32]:
    """`(count,)`, as the server gives them. Raises UnusableAnswerError."""
    try:
        ranks = _RANKS.validate_json(response.content)
    except ValidationError as error:
        raise UnusableAnswerError("it answered with something else than ranks") from error
    if sorted(rank.index for rank in ranks) != [*range(count)]:
        raise UnusableAnswerError(f"it ranked {len(ranks)} texts of {count}")
    scores = np.empty(count, np.float32)
    for rank in ranks:
        scores[rank.index] = rank.score
    if not np.isfinite(scores).all():
        raise UnusableAnswerError("it gave a score that is no number")
    return scores


def tei_probabilities(response: httpx.Response, count: int, labels: Sequence[str]) -> NDArray[np.float32]:
    """`(count, labels)`, columns in the order of `labels`. Raises UnusableAnswerError."""
    rows = tei_predictions(response, count)
    probabilities = np.empty((count, len(labels)), np.float32)
    for row, predictions in zip(probabilities, rows, strict=True):
        scores = {one.label: one.score for one in predictions}
        if scores.keys() != set(labels):
            raise UnusableAnswerError(f"it gave the labels {', '.join(map(repr, scores))} for a pair")
        row[:] = [scores[label] for label in labels]
    if not (probabilities >= 0).all() or not (probabilities <= 1).all():
        raise UnusableAnswerError("it gave a score that is no probability")
    return probabilities


def tei_predictions(response: httpx.Response, count: int) -> list[list[Prediction]]:
    """A list of labels for each pair, in no certain order. Raises UnusableAnswerError."""
    try:
        rows = _PREDICTIONS.validate_json(response.content)
    except ValidationError as error:
        raise UnusableAnswerError("it answered with something else than labels and scores") from error
    if len(rows) != count:
        raise UnusableAnswerError(f"it gave predictions of {len(rows)} pairs for {count}")
    return rows


def _parsed(kind: type[EmbeddingResponse], response: httpx.Response) -> EmbeddingResponse:
    try:
        return kind.model_validate_json(response.content)
    except ValidationError as error:
        raise UnusableAnswerError("it answered in another shape than OpenAI's") from error


def _unit_rows(rows: list[list[float]], dimension: int | None) -> NDArray[np.float32]:
    """`dimension` is what the model's first vector had; None for that one itself."""
    wanted = dimension or len(rows[0])
    for row in rows:
        if len(row) != wanted or not row:
            raise UnusableAnswerError(f"it gave a vector of {len(row)} dimensions where {wanted} were due")
    vectors = np.asarray(rows, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise UnusableAnswerError("it gave a vector that is zero, infinite or no number")
    return vectors / lengths


# Ours; OpenAI's and vLLM's.
_TOO_LONG = (
    re.compile(r"has (?P<tokens>[\d,]+) tokens; .* reads at most (?P<limit>[\d,]+)"),
    re.compile(r"maximum context length is (?P<limit>\d+) tokens.* requested (?P<tokens>\d+) tokens"),
)
_OF_LENGTH = re.compile(r"context length|too long|tokens")
# Of what would fit by the mean of the whole text: its beginning may have more tokens.
_CAREFULLY = 0.95


def share_that_fits(refusal: str) -> float | None:
    """How much of a text to send instead, at most all but a twentieth; None where its length isn't at fault."""
    for found in filter(None, (pattern.search(refusal) for pattern in _TOO_LONG)):
        limit, tokens = (int(found[name].replace(",", "")) for name in ("limit", "tokens"))
        return _CAREFULLY * min(1, limit / max(1, tokens))
    return 0.5 if _OF_LENGTH.search(refusal) else None


def joined(parts: Sequence[RemoteRows]) -> RemoteRows:
    counts = [part.tokens for part in parts]
    tokens = None if None in counts else sum(filter(None, counts))
    return RemoteRows(np.concatenate([part.vectors for part in parts]), tokens)


class RemoteError(BaseModel):
    """OpenAI's error object, or text-embeddings-inference's line."""

    error: str | dict[str, Any] = ""
    message: str = ""


def said(response: httpx.Response, longest: int) -> str:
    """What the server says is wrong, at most `longest` characters."""
    try:
        body = RemoteError.model_validate_json(response.content)
    except ValidationError:
        return f"status {response.status_code}"
    error = body.error
    words = str(error.get("message", "")) if isinstance(error, dict) else error
    return (words or body.message or f"status {response.status_code}")[:longest]
