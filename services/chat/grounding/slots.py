"""Where two sentences say different things of the same: another figure, year or name in one place, or the contrary."""

import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from libs.text.words import content_stems, stem, words
from services.chat.grounding.amounts import amount_asked_for, asks_for_number
from services.chat.grounding.bounds import rates
from services.chat.grounding.facts import Facts, contrary, facts_of
from services.chat.grounding.figures import YEAR, Figure, dates, figures
from services.chat.grounding.number_words import number_words
from services.chat.grounding.passages import Unit
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
# "US" and "AI" are written in too many ways, and for too many things.
SHORTEST_NAME = 3
# "Brazil" and "Brazilian" are one name.
SHORTEST_SHARED = 4

# "Which formats can …" asks for a list, of which one document may name some and another others.
_SEVERAL = (
    r" (?:[\w-]+ ){0,2}?[\w-]*[^\Wisu]s (?:are|can|could|did|do|does|had|has|have|is|may|must|should|was|were|will)\b"
)
# "What" and "which" of anything else ask for a thing, of which the names beside it say nothing.
_NAMED = (
    r"(?:actor|actress|airline|airport|area|artist|author|bank|borough|brand|candidate|capital|celebrity|city|club|company"
    r"|continent|country|county|director|district|island|lake|language|lawmaker|leader|minister|nation|network|newspaper"
    r"|organi[sz]ation|park|party|person|place|player|politician|president|publication|region|river|school|senator|singer"
    r"|stadium|state|street|team|territory|town|university|village|woman|man|name)"
)
_ASKS_FOR_NAME = re.compile(
    rf"\b(?:who|whom|whose|where|which(?!{_SEVERAL}) (?:[\w.-]+ ){{0,3}}?{_NAMED}|what (?:\w+ )?{_NAMED})\b",
    re.IGNORECASE,
)
_ASKS_FOR_YEAR = re.compile(r"\b(?:when|(?:what|which) (?:year|date))\b", re.IGNORECASE)
# They tell when, not who or where.
_DAYS_AND_MONTHS = frozenset(
    map(
        stem,
        """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
        september october november december""".split(),  # noqa: SIM905 - read as words
    )
)
_ORDINALS = frozenset(
    map(stem, "first second third fourth fifth sixth seventh eighth ninth tenth final".split())  # noqa: SIM905
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣◦–|]|\d{1,3}[.)]|[a-z]\))\s")
_NAME_OF_SEVERAL_WORDS = re.compile(r"[^\W\d_a-z][\w'’.-]{0,40}(?: [^\W\d_a-z][\w'’.-]{0,40})+")
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
    opening = frozenset(map(stem, words(unit.text.casefold())[:1]))
    return Place(unit, facts_of(unit.text, ordinary | opening), passage, ordinary)


class AskedSlots:
    """What a question asks for, as places of two documents are compared."""

    def __init__(self, question: str) -> None:
        self._stems = content_stems(question)
        asked = facts_of(question)
        self._numbers = asked.numbers
        self._names = frozenset(name for name in asked.names if len(name) >= SHORTEST_NAME)
        self._ordinals = _ordinals(question)
        self._for_number = asks_for_number(question)
        self._for_year = not self._for_number and _ASKS_FOR_YEAR.search(question) is not None
        self._for_name = not (self._for_number or self._for_year) and _ASKS_FOR_NAME.search(question) is not None
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
            found = _in_other_versions(one, other) or _other_number(_measures(one), _measures(other))
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
        return len(self._stems & stems) / len(self._stems) if self._stems else 0.0

    def _pinned(self, one: Place, other: Place) -> bool:
        """Whether the two are of the names, numbers and ordinals in the question.

        Each name must be known to one of them, each number to both, be it to the passage alone.
        """
        if not self._names <= one.known | other.known or not self._numbers <= one.known & other.known:
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
        return 2 * len(matter & mine.beside & theirs.beside) > len(matter)

    def _of_all(self, mine: Figure, theirs: Figure) -> bool:
        """Whether both are said of all of it: most of a matter has many dates."""
        return bool(self._matter) and self._matter <= mine.beside & theirs.beside

    def _other_name(self, one: Place, other: Place) -> Difference | None:
        if len(self._stems & one.unit.stems & other.unit.stems) < ASKED_IN_COMMON:
            return None
        mine, theirs = (_told_names(side, self._stems) for side in (one, other))
        if not (mine and theirs and all(_is_statement(side) for side in (one, other))):
            return None
        # Where a document also names what the other does, the two are about several things.
        if _share_a_name(mine, theirs | other.passage) or _share_a_name(theirs, one.passage):
            return None
        return Difference("name", (", ".join(sorted(mine)), ", ".join(sorted(theirs))))


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


def _ordinals(text: str) -> frozenset[str]:
    return content_stems(text) & _ORDINALS


def _of_other_times(one: str, other: str) -> bool:
    """Whether each names years, and none that the other does."""
    mine, theirs = (set(YEAR.findall(text)) for text in (one, other))
    return bool(mine and theirs) and not mine & theirs


def _told_names(side: Place, asked: frozenset[str]) -> frozenset[str]:
    """Its names but for times, words that some source writes in lower case, and what the question has a part of."""
    runs = map(content_stems, _NAME_OF_SEVERAL_WORDS.findall(side.unit.text))
    known = asked.union(*(run for run in runs if run & asked))
    told = side.facts.names - side.ordinary - _DAYS_AND_MONTHS - known
    return frozenset(name for name in told if len(name) >= SHORTEST_NAME)


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
    headline = len(side.facts.names) > MOST_NAMES * len(side.unit.stems)
    return not headline and _STATEMENT.search(side.unit.text) is not None


def _share_a_name(names: AbstractSet[str], others: AbstractSet[str]) -> bool:
    if names & others:
        return True
    longer = [name for name in names if len(name) >= SHORTEST_SHARED]
    return any(
        name.startswith(other) or other.startswith(name)
        for name in longer
        for other in others
        if len(other) >= SHORTEST_SHARED
    )
