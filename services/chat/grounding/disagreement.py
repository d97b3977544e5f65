"""Documents that say different things of what was asked, and which of them an answer goes with."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from libs.contracts.chat import Source
from libs.contracts.errors import FootnoteError
from libs.text.words import content_stems
from services.chat.grounding.passages import Passages, Unit
from services.chat.grounding.slots import AskedSlots, Difference, Differs, Place, place
from services.chat.grounding.support import Support, SupportFinder

Because = Literal["authority", "date", "support"]

# Two dates nearer than this are one: documents that came together.
LEAST_YOUNGER_S = 86_400.0
# Places of other documents that are compared by their meaning, those with most words in common first.
CANDIDATES = 12
LONGEST_QUOTED = 500


@dataclass(frozen=True)
class Conflict:
    """Two places that differ; the answer goes with the preferred one. `values` are what it and the other have."""

    preferred: Unit
    other: Unit
    differs: Differs
    because: Because
    values: tuple[str, str]

    def record(self) -> dict[str, Any]:
        """For the trace."""
        return {
            "preferred": self.preferred.n,
            "other": self.other.n,
            "differs": self.differs,
            "because": self.because,
            "preferred_has": self.values[0],
            "other_has": self.values[1],
        }


class Disagreements:
    """Among the sources of one answer."""

    def __init__(self, question: str, finder: SupportFinder) -> None:
        self._asked = AskedSlots(question)
        self._finder = finder

    async def about(self, support: Support) -> Conflict | None:
        """Between the place behind a supported sentence and another document's; the one most alike.

        None also while nothing can be embedded.
        """
        if not support.cited or not support.cited[0].spans:
            return None
        said = self._passages.at(support.cited[0].n, support.cited[0].spans)
        agreeing = {self._passages.source(cited.n).document_id for cited in support.cited}
        others = [
            unit
            for unit in self._passages.units
            if self._passages.source(unit.n).document_id not in agreeing
            and len(unit.text) <= LONGEST_QUOTED
            and self._asked.comparable(said, unit)
        ]
        others = sorted(others, key=lambda unit: -len(unit.stems & said.stems))[:CANDIDATES]
        if not others or len(said.text) > LONGEST_QUOTED:
            return None
        try:
            likenesses = await self._finder.similarities(said.text, others)
        except FootnoteError:
            return None
        for likeness, unit in sorted(zip(likenesses, others, strict=True), key=lambda pair: -pair[0]):
            found = self._asked.difference(self._place(said), self._place(unit), likeness)
            if found:
                return self._settled(said, unit, found)
        return None

    @property
    def _passages(self) -> Passages:
        return self._finder.passages

    def _place(self, unit: Unit) -> Place:
        return place(unit, self._stems_of_source[unit.n], self._passages.ordinary_words)

    @cached_property
    def _stems_of_source(self) -> dict[int, frozenset[str]]:
        return {source.n: content_stems(source.excerpt) for source in self._passages.sources}

    def _settled(self, said: Unit, other: Unit, found: Difference) -> Conflict:
        because, other_wins = _preferred(self._passages.source(said.n), self._passages.source(other.n))
        if other_wins:
            return Conflict(other, said, found.differs, because, (found.values[1], found.values[0]))
        return Conflict(said, other, found.differs, because, found.values)


def _preferred(said: Source, other: Source) -> tuple[Because, bool]:
    """Why one of the two is preferred, and whether it is the other: authority first, then age, then what was said."""
    if said.authority is not None and other.authority is not None and said.authority != other.authority:
        return "authority", other.authority > said.authority
    if said.date and other.date:
        younger_s = (other.date - said.date).total_seconds()
        if abs(younger_s) >= LEAST_YOUNGER_S:
            return "date", younger_s > 0
    return "support", False
