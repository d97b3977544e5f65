"""The calibrated probability that a sentence answers the question, and the gate that an answer has to pass.

The weights are numbers fitted to public questions; docs/decisions/0031-calibrated-abstention.md tells on which, how,
and what came out.
"""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from libs.contracts.chat import Source
from libs.contracts.errors import FootnoteError
from libs.telemetry.logs import get_logger
from services.chat.answerability.signals import Asked, Passage, Said
from services.chat.grounding.grounder import Checked
from services.chat.grounding.support import Verdict
from services.chat.ports import Embedder

NO_ANSWER = "it doesn't answer what was asked"
_WEIGHTS = Path(__file__).with_name("weights.json")

log = get_logger(__name__)


@dataclass(frozen=True)
class Weights:
    """A logistic regression: the logarithm of the odds is `intercept` plus each signal times its weight."""

    intercept: float
    of: Mapping[str, float]

    def probability(self, signals: Mapping[str, float]) -> float:
        """0 to 1. Raises KeyError where a signal is missing."""
        odds = self.intercept + sum(weight * signals[name] for name, weight in self.of.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


@cache
def weights(kind: str) -> Weights:
    """Of the kind `with_vectors`, or `words_alone` for when nothing could be embedded."""
    read = json.loads(_WEIGHTS.read_text())[kind]
    return Weights(read["intercept"], read["weights"])


class Answerability:
    """Holds an answer back until one of its sentences answers the question likely enough.

    `least` is that probability, 0 to 1; `confidence` is the highest among the sentences of the last answer so far.
    """

    def __init__(
        self,
        question: str,
        sources: Sequence[Source],
        embedder: Embedder,
        least: float,
    ) -> None:
        self._question = question
        self._numbers = {source.n: place for place, source in enumerate(sources)}
        self._passages = [
            Passage(" › ".join((source.title, *source.location.heading_path)), source.excerpt) for source in sources
        ]
        self._embedder = embedder
        self.least = least
        self._asked: Asked | None = None
        self.confidence = 0.0

    def twin(self) -> "Answerability":
        """For another answer to the same question from the same sources."""
        twin = copy(self)
        twin.confidence = 0.0
        return twin

    async def passed(self, sentences: AsyncGenerator[Checked]) -> AsyncGenerator[Checked]:
        """The sentences, those before the first that answers only once that one is there.

        Where none does, all come without what supports them, and with the reason.
        """
        held: list[Checked] = []
        self.confidence = 0.0
        async with aclosing(sentences):
            async for checked in sentences:
                if checked.support.cited:
                    self.confidence = max(self.confidence, await self.probability(checked))
                held.append(checked)
                if self.confidence >= self.least:
                    for one in held:
                        yield one
                    held.clear()
        for one in held:
            yield _no_answer(one) if one.support.cited else one

    async def probability(self, checked: Checked) -> float:
        """That the sentence, by the best of the passages that it cites, answers the question; 0 to 1."""
        if self._asked is None:
            self._asked = await asyncio.to_thread(Asked, self._question, self._passages)
        places = [self._numbers[cited.n] for cited in checked.support.cited]
        cosines = await self._cosines(checked.text, places)
        fitted = weights("words_alone" if cosines is None else "with_vectors")
        return max(
            fitted.probability(self._asked.signals(Said(checked.text, place, cosine)))
            for place, cosine in zip(places, cosines or [0.0] * len(places), strict=True)
        )

    async def _cosines(self, text: str, places: Sequence[int]) -> list[float] | None:
        """Between the question and the sentence below each passage's title; None where nothing can be embedded."""
        texts = [f"{self._passages[place].around}: {text}" for place in places]
        try:
            rows = await self._embedder.embed([self._question, *texts])
        except FootnoteError as error:
            log.warning("whether the answer fits the question is judged by words alone", reason=error.message)
            return None
        return [float(rows[0] @ row) for row in rows[1:]]


def _no_answer(checked: Checked) -> Checked:
    """The sentence as one that is true, and isn't said."""
    return replace(checked, support=replace(checked.support, cited=(), reason=NO_ANSWER, verdict=Verdict.OFF_QUESTION))
