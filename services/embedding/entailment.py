"""Pairs of texts in, what the one is to the other out."""

from collections.abc import Sequence

from libs.clients.context import Lane
from libs.contracts.embedding import Pair
from services.embedding.ports import Classified, PairClassifier
from services.embedding.refusals import invalid
from services.embedding.registry import ModelRegistry
from services.embedding.service import refuse_unusable


class EntailmentService:
    """Raises 404 where no such model is configured, 503 where it isn't loaded, 429 while too many pairs wait for it,
    422 for pairs that can't be classified.
    """

    def __init__(self, registry: ModelRegistry[PairClassifier], max_waiting: int) -> None:
        self._registry = registry
        self._max_waiting = max_waiting

    async def predict(self, pairs: Sequence[Pair], model: str, lane: Lane, *, truncate: bool) -> Classified:
        """Each pair's probabilities, in order."""
        with self._registry.use(model) as classifier:
            most = self._max_waiting
            if len(pairs) > most:
                raise invalid(f"{len(pairs):,} pairs came in one request; at most {most:,} are taken.", "inputs")
            refuse_unusable([text for pair in pairs for text in pair], "inputs", 2 * most)
            return await classifier.classify(pairs, lane, truncate=truncate)
