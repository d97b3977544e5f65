"""Where two sentences say different things of the same: another figure, year or name in one place, or the contrary."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from libs.text.compounds import found_among
from libs.text.stems import ENGLISH, language_read
from libs.text.words import content_stems, stem, words
from services.chat.grounding.amounts import amount_asked_for, asks_for_number, kinds_of_number
from services.chat.grounding.bounds import rates
from services.chat.grounding.facts import Facts, contrary, facts_of
from services.chat.grounding.figures import YEAR, Figure, dates, figures
from services.chat.grounding.names_told import SHORTEST_NAME, asks_for_name, asks_for_year, share_a_name, told_names
from services.chat.grounding.number_words import number_words
from services.chat.grounding.passages import Unit
from services.chat.grounding.same_matter import said_of_one_matter, says_nothing_else, stand_together
from services.chat.grounding.support import negated_otherwise

Differs = Literal["number", "name", "direction", "negation"]

# Measured on the news and outdated documents that docs/decisions/0030-floor-marks-disagreements.md names.
ALIKE = 0.5
# Of the question's content words, as both say them.
ABOUT_THE_QUESTION = 0.5
# With fewer of them in common, two sentences name other people and places for many reasons.
ASKED_IN_COMMON = 4
NEARLY_THE_SAME = 0.8
SAME_WORDS = 0.6
# More names than this among its words, and a sentence is a headline, whose capitals say nothing.
MOST_NAMES = 0.5

_ORDINALS = frozenset(
    map(stem, "first second third fourth fifth sixth seventh eighth ninth tenth final".split())  # noqa: SIM905
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣◦–|]|\d{1,3}[.)]|[a-z]\))\s")
# It names several of what was asked, and others may be among them.
_LISTED = re.compile(r"(?:\b[^\W\d_a-z]\w+, ){2}")
_STATEMENT = re.compile(r"[.!?…][\"'”’)\]]*\s*$")


@dataclass(frozen=True)
class Difference:
    """`values` are what the one and the other have in the same place."""

    differs: Differs
    values: tuple[str, str]


@dataclass(frozen=True)
class Place:
    """What a source says in one place; `passage` are the stems of all that it says.

    `ordinary` are those that some source writes in lower case.
    """

    unit: Unit
    facts: Facts
    passage: frozenset[str]
    ordinary: frozenset[str]

    @property
    def known(self) -> frozenset[str]:
        """The stems and numbers of its passage, title and headings."""
        return self.unit.stems | self.unit.around | self.passage | self.facts.numbers


def place(unit: Unit, passage: frozenset[str], ordinary: frozenset[str]) -> Place:
    """A capital that opens the place says nothing."""
    return Place(unit, facts_of(unit.text, ordinary | _opening(unit.text)), passage, ordinary)


class AskedSlots:
    """What a question asks for, as places of two documents are compared."""

    def __init__(self, question: str) -> None:
        self._stems = content_stems(question)
        # In English what opens a question is known not to be a name.
        asked = facts_of(question, _opening(question) if language_read() != ENGLISH else frozenset())
        self._numbers = asked.numbers
        self._names = frozenset(name for name in asked.names - kinds_of_number() if len(name) >= SHORTEST_NAME)
        self._ordinals = _ordinals(question)
        self._for_number = asks_for_number(question)
        self._for_year = not self._for_number and asks_for_year(question)
        self._for_name = not (self._for_number or self._for_year) and asks_for_name(question)
        self._each = rates(question)
        self._amount = amount_asked_for(question)
        self._matter = self._amount.matter(question)

    def comparable(self, one: Unit, other: Unit) -> bool:
        """Whether the two may speak of the same, before their likeness is known; an item of a list alone can't."""
        if _LIST_ITEM.match(one.text) or _LIST_ITEM.match(other.text):
            return False
        return len(one.stems & other.stems) > 1 and (
            self._covered(one.stems & other.stems) >= ABOUT_THE_QUESTION or _overlap(one, other) >= SAME_WORDS
        )

    def difference(self, one: Place, other: Place, likeness: float) -> Difference | None:
        """What the two say differently; `likeness` is their cosine."""
        if likeness < ALIKE or (not self._for_year and _of_other_times(one.unit.text, other.unit.text)):
            return None
        alike = likeness >= NEARLY_THE_SAME and _overlap(one.unit, other.unit) >= SAME_WORDS
        found = _contrary(one, other) if alike else None
        if found or not self._both_about_it(one, other):
            return found
        if alike:
            found = _in_other_versions(one, other)
            # Elsewhere what the number is of stands in many more places of a sentence.
            if not found and not (self._for_number and language_read() != ENGLISH):
                found = _other_number(_measures(one), _measures(other))
        return found or self._answered_otherwise(one, other)

    def _both_about_it(self, one: Place, other: Place) -> bool:
        """Whether the two speak of what was asked, and of the same."""
        return self._covered(one.unit.stems & other.unit.stems) >= ABOUT_THE_QUESTION and self._pinned(one, other)

    def _answered_otherwise(self, one: Place, other: Place) -> Difference | None:
        """Another number, year or name, as the question asks for one."""
        if self._for_number:
            return _other_number(self._asked_figures(one), self._asked_figures(other), self._of_most)
        if self._for_year:
            return _other_number(self._untold(dates(one.unit.text)), self._untold(dates(other.unit.text)), self._of_all)
        return self._other_name(one, other) if self._for_name else None

    def _covered(self, stems: frozenset[str]) -> float:
        return len(found_among(self._stems, stems)) / len(self._stems) if self._stems else 0.0

    def _pinned(self, one: Place, other: Place) -> bool:
        """Whether the two are of the names, numbers and ordinals in the question.

        Each name must be known to one of them, each number to both, be it to the passage alone.
        """
        if (
            found_among(self._names, one.known | other.known) < self._names
            or not self._numbers <= one.known & other.known
        ):
            return False
        said = (_ordinals(side.unit.text) for side in (one, other))
        return all(self._ordinals <= ordinals for ordinals in said if ordinals)

    def _asked_figures(self, side: Place) -> list[Figure]:
        """The figures of what was asked for."""
        return [
            one for one in self._untold(figures(side.unit.text, self._stems, self._each)) if self._amount.is_of(one)
        ]

    def _untold(self, found: list[Figure]) -> list[Figure]:
        return [figure for figure in found if figure.number not in self._numbers]

    def _of_most(self, mine: Figure, theirs: Figure) -> bool:
        """Whether both are said of most of what the number was asked of."""
        matter = self._matter - {mine.of}
        if language_read() != ENGLISH:
            return said_of_one_matter(mine.clause, theirs.clause, matter, (mine.number, theirs.number))
        return 2 * len(matter & mine.beside & theirs.beside) > len(matter)

    def _of_all(self, mine: Figure, theirs: Figure) -> bool:
        """Whether both are said of all of it: most of a matter has many dates."""
        if language_read() != ENGLISH:
            return said_of_one_matter(mine.clause, theirs.clause, self._matter, (mine.number, theirs.number))
        return bool(self._matter) and self._matter <= mine.beside & theirs.beside

    def _other_name(self, one: Place, other: Place) -> Difference | None:
        mine, theirs = (
            told_names(side.unit.text, side.facts.names - side.ordinary, self._stems) for side in (one, other)
        )
        if not self._asked_alike(one, other, mine, theirs):
            return None
        if not (mine and theirs and all(_is_statement(side) for side in (one, other))):
            return None
        # Where a document also names what the other does, the two are about several things.
        if share_a_name(mine, theirs | other.passage) or share_a_name(theirs, one.passage):
            return None
        return Difference("name", (", ".join(sorted(mine)), ", ".join(sorted(theirs))))

    def _asked_alike(self, one: Place, other: Place, mine: frozenset[str], theirs: frozenset[str]) -> bool:
        """Whether both say of the same whose names they tell."""
        if language_read() == ENGLISH:
            return len(self._stems & one.unit.stems & other.unit.stems) >= ASKED_IN_COMMON
        together = stand_together(one.unit.text, mine) and stand_together(other.unit.text, theirs)
        return together and says_nothing_else(one.unit.text, other.unit.text, self._stems, mine | theirs)


def _other_number(
    one: list[Figure], other: list[Figure], both_of: Callable[[Figure, Figure], bool] = lambda _, __: True
) -> Difference | None:
    """Another number of the same thing, if no number of it in the one can be true beside one in the other."""
    for mine in one:
        for theirs in other:
            if (mine.of, mine.per) != (theirs.of, theirs.per) or not both_of(mine, theirs):
                continue
            if not any(a.allows(b) for a in one for b in other if a.of == b.of == mine.of):
                return Difference("number", (mine.number, theirs.number))
    return None


def _in_other_versions(one: Place, other: Place) -> Difference | None:
    """Where both are one sentence, word for word, but for a single number: of an old document and a new one."""
    mine, theirs = (words(number_words(side.unit.text).casefold()) for side in (one, other))
    differing = [pair for pair in zip(mine, theirs, strict=False) if pair[0] != pair[1]]
    if len(mine) != len(theirs) or len(differing) != 1 or not all(map(_NUMBER.fullmatch, differing[0])):
        return None
    return Difference("number", differing[0])


def _measures(side: Place) -> list[Figure]:
    return figures(side.unit.text, frozenset())


def _opening(text: str) -> frozenset[str]:
    return frozenset(map(stem, words(text.casefold())[:1]))


def _ordinals(text: str) -> frozenset[str]:
    if language_read() == ENGLISH:
        return content_stems(text) & _ORDINALS
    return frozenset(number for number, _ in facts_of(text).ordinals)


def _of_other_times(one: str, other: str) -> bool:
    """Whether each names years, and none that the other does."""
    mine, theirs = (set(YEAR.findall(text)) for text in (one, other))
    return bool(mine and theirs) and not mine & theirs


def _contrary(one: Place, other: Place) -> Difference | None:
    if negated_otherwise(one.unit.text, one.facts, other.unit):
        return Difference("negation", (one.unit.text, other.unit.text))
    if contrary(one.facts, other.unit.facts):
        return Difference("direction", (one.unit.text, other.unit.text))
    return None


def _overlap(one: Unit, other: Unit) -> float:
    """The share of content words in common, of the one that shares less of its own."""
    shared = len(one.stems & other.stems)
    return min(shared / max(1, len(one.stems)), shared / max(1, len(other.stems)))


def _is_statement(side: Place) -> bool:
    if _LISTED.search(side.unit.text):
        return False
    headline = language_read() != "de" and len(side.facts.names) > MOST_NAMES * len(side.unit.stems)
    return not headline and _STATEMENT.search(side.unit.text) is not None
