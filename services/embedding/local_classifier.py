"""A classifier of this process: the batch queues in front of it."""

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from libs.clients.context import Lane
from libs.contracts.embedding import Pair
from services.embedding.batching import Lanes
from services.embedding.ports import Classified, PairModel
from services.embedding.refusals import ENTAILMENT_MODEL, invalid
from services.embedding.tokenizer import PairTokens


class LocalClassifier:
    """Has threads and queues of its own: what is embedded doesn't wait for pairs, nor they for it."""

    def __init__(self, model: PairModel, max_batch_tokens: int, max_waiting: int) -> None:
        self._model = model
        threads: dict[Lane, int] = {"query": 1, "ingest": 1}
        self._lanes: Lanes[PairTokens, NDArray[np.float32]] = Lanes(
            lambda _, batch: [*model.probabilities(batch)],
            threads,
            max_batch_tokens,
            max_waiting,
            model.id,
            f"the {ENTAILMENT_MODEL}",
        )
        self.id, self.backend, self.revision = model.id, model.backend, model.revision

    async def run(self) -> None:
        await self._lanes.run()

    async def classify(self, pairs: Sequence[Pair], lane: Lane, *, truncate: bool) -> Classified:
        """Also raises 422 for a pair beyond the model's limit where it must not be cut."""
        tokenizer = self._model.tokenizer
        tokens = await asyncio.to_thread(tokenizer.read, pairs)
        if not truncate:
            for number, count in enumerate(await asyncio.to_thread(tokenizer.count, pairs)):
                if count > tokenizer.limit:
                    raise invalid(
                        f"Pair {number} has {count:,} tokens; {self.id} reads at most {tokenizer.limit:,}. "
                        "Shorten it, or let it be cut with truncate=true.",
                        "inputs",
                    )
        rows = await self._lanes.embed(tokens, lane)
        return Classified(np.stack(rows), self._model.labels, sum(map(len, tokens)))
