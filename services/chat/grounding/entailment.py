"""What an entailment model says of the places behind one answer's sentences, where one is configured."""

import asyncio
from collections.abc import Iterable

from libs.config.settings import EntailmentBounds
from libs.contracts.chat import Source
from libs.contracts.errors import FootnoteError
from libs.inference.entailment import Inference
from libs.telemetry.logs import get_logger
from services.chat.grounding.passages import Unit
from services.chat.ports import EntailmentModel

log = get_logger(__name__)


class Entailment:
    """Each pair of a place and a sentence is asked about once.

    From its first failure on the model isn't asked again for this answer, and the other rules decide alone: an answer
    loses the time of one call to a model that is away or late, not that of one a sentence.
    """

    def __init__(self, model: EntailmentModel, bounds: EntailmentBounds) -> None:
        self._model = model
        self._bounds = bounds
        self._known: dict[tuple[Unit, str], Inference] = {}
        self.failed = False

    async def weigh(self, pairs: Iterable[tuple[Unit, str]], sources: dict[int, Source]) -> None:
        """Asks about all that isn't known yet, in one call."""
        missing = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        if self.failed or not missing:
            return
        texts = [(premise(unit, sources[unit.n]), sentence) for unit, sentence in missing]
        try:
            async with asyncio.timeout(self._bounds.timeout_s):
                self._known |= zip(missing, await self._model.infer(texts), strict=True)
        except (FootnoteError, TimeoutError, ValueError) as error:
            self.failed = True
            reason = error.message if isinstance(error, FootnoteError) else f"{type(error).__name__}: {error}"
            log.warning("support is judged without the entailment model", reason=reason)

    def of(self, unit: Unit, sentence: str) -> Inference | None:
        """None where the model couldn't say."""
        return self._known.get((unit, sentence))

    def contradicts(self, inference: Inference) -> bool:
        return inference.contradiction > self._bounds.most_contradiction

    def supports(self, inference: Inference) -> bool:
        return not self.contradicts(inference) and inference.entailment >= self._bounds.least


def premise(unit: Unit, source: Source) -> str:
    """The place's words below its title and headings: names that a sentence has may stand only there."""
    place = source.location
    return "\n".join([source.title, *place.heading_path, *filter(None, [place.table_header]), unit.text])
