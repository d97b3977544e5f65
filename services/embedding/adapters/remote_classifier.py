"""A classifier of pairs on another server that speaks text-embeddings-inference's `/predict`."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from libs.clients.context import Lane
from libs.config.settings import RemoteModel
from libs.contracts.embedding import Pair
from libs.contracts.errors import FootnoteError, overloaded
from libs.inference.entailment import entailment_labels
from services.embedding.adapters.remote import (
    CALLS_AT_ONCE,
    CUT_CHARS_PER_TOKEN,
    RETRY_AFTER_S,
    USUAL_CHARS_PER_TOKEN,
)
from services.embedding.adapters.remote_protocols import UnusableAnswerError, tei_predictions, tei_probabilities
from services.embedding.adapters.remote_server import RemoteServer
from services.embedding.ports import Classified, ModelLoadError
from services.embedding.refusals import ENTAILMENT_MODEL


class RemoteClassifier:
    """Sends the pairs as `RemoteServer` sends texts, `max_texts` of them a call.

    Raises what `RemoteServer` raises, and 429 while more than `max_waiting` pairs wait here.
    """

    backend = "remote"

    def __init__(self, name: str, options: RemoteModel, max_waiting: int) -> None:
        """Raises ModelLoadError for a protocol that has no such call."""
        if options.protocol != "tei":
            raise ModelLoadError(f"The remote {name!r} can't judge entailment: its protocol must be 'tei'.")
        self.id = name
        self.revision = f"{name}@{options.revision}"
        self.labels: tuple[str, ...] = ()
        self._options = options
        self._max_waiting = max_waiting
        self._waiting = 0
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)
        self._url = f"{options.url.rstrip('/')}/predict"
        self._server = RemoteServer(name, options.api_key.get_secret_value(), CALLS_AT_ONCE, ENTAILMENT_MODEL)

    async def connect(self) -> None:
        """Learns the labels from a first pair. Raises ModelLoadError where the server gives none, or not entailment."""
        try:
            response = await self._server.post(self._url, self._body([("warm up", "a text")], truncate=True), 1)
            self.labels = tuple(sorted(one.label for one in tei_predictions(response, 1)[0]))
            entailment_labels(self.labels)
        except (FootnoteError, UnusableAnswerError, ValueError) as error:
            await self._server.close()
            said = error.message if isinstance(error, FootnoteError) else str(error)
            raise ModelLoadError(
                f"The server of {self.id!r} at {self._options.url!r} can't judge entailment: {said}", passing=True
            ) from error
        except asyncio.CancelledError:
            await self._server.close()
            raise

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await self._server.close()

    async def classify(self, pairs: Sequence[Pair], lane: Lane, *, truncate: bool) -> Classified:  # noqa: ARG002 - the port's
        step = self._options.max_texts
        async with self._place(len(pairs)):
            rows = [
                await self._probabilities(pairs[start : start + step], truncate=truncate)
                for start in range(0, len(pairs), step)
            ]
        tokens = sum(max(1, (len(one) + len(other)) // USUAL_CHARS_PER_TOKEN) for one, other in pairs)
        return Classified(np.concatenate(rows), self.labels, tokens)

    async def _probabilities(self, pairs: Sequence[Pair], *, truncate: bool) -> np.ndarray[Any, np.dtype[np.float32]]:
        response = await self._server.post(self._url, self._body(pairs, truncate=truncate), len(pairs))
        try:
            return tei_probabilities(response, len(pairs), self.labels)
        except UnusableAnswerError as error:
            self._server.refuse(error)

    def _body(self, pairs: Sequence[Pair], *, truncate: bool) -> dict[str, Any]:
        longest = self._options.max_tokens * CUT_CHARS_PER_TOKEN if truncate else None
        inputs = [[premise[:longest], hypothesis[:longest]] for premise, hypothesis in pairs]
        return {"inputs": inputs, "raw_scores": False, "truncate": truncate}

    @asynccontextmanager
    async def _place(self, pairs: int) -> AsyncGenerator[None]:
        if self._waiting + pairs > self._max_waiting:
            raise overloaded(f"the {ENTAILMENT_MODEL} {self.id!r}", RETRY_AFTER_S)
        self._waiting += pairs
        try:
            async with self._calls:
                yield
        finally:
            self._waiting -= pairs
