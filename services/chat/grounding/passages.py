"""The numbered passages of one answer, cut into the units that can support a sentence."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from libs.contracts.chat import Source
from libs.text.pointing import points_back
from libs.text.sentences import Span, split_sentences
from libs.text.words import content_stems
from services.chat.grounding.cleaning import MARKER
from services.chat.grounding.facts import Facts, facts_of, lower_case_stems

# A sentence that opens like this is about the one before it.
_LEANS_BACK = re.compile(
    r"\W*(?:it|its|he|she|him|his|her|they|their|them|this|that|these|those|such|both|here|there|then|"
    r"also|additionally|otherwise|instead|however|in (?:this|that|these|those|such))\b",
    re.IGNORECASE,
)
_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣◦–]|\d{1,3}[.)]|[a-z]\))\s")
_TABLE_ROW = re.compile(r"\s*\|")
_BULLET = re.compile(r"^[\s>]*(?:[-*+•‣◦–]\s+|\d{1,3}[.)]\s+)?")
# Before a number these change it; "- 5" is an item of a list.
_SIGN = re.compile(r"(?:[-−±]|[<>≤≥]\s*)$")
_OPENS_WITH_NUMBER = re.compile(r"[$€£.]?\d")
# Longer groups say too much at once: anything could be read out of them.
_MAX_GROUP = 12

_EMPHASIS = frozenset("*_`#")
_PLAIN_SIGNS = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-"}
_UNSEEN_CATEGORIES = frozenset({"Cf", "Cc", "Cs", "Co"})


@dataclass(frozen=True, eq=False)
class Unit:
    """A sentence of source `n`, or a few that only make sense together. `spans` are characters of the excerpt.

    `around` are the stems of the title, the headings and the table header above it.
    """

    n: int
    spans: tuple[Span, ...]
    text: str
    stems: frozenset[str]
    around: frozenset[str]

    @cached_property
    def facts(self) -> Facts:
        return facts_of(self.text)


class Passages:
    """What the sources of an answer say, and where."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._passages = [_Passage(source) for source in sources]
        self._by_number = {passage.source.n: passage for passage in self._passages}

    @cached_property
    def units(self) -> list[Unit]:
        return [unit for passage in self._passages for unit in passage.units()]

    @cached_property
    def ordinary_words(self) -> frozenset[str]:
        """Stems that some source writes in lower case, and so are no names."""
        return lower_case_stems("\n".join(passage.source.excerpt for passage in self._passages))

    def at(self, n: int, spans: Sequence[Span]) -> Unit:
        """What source `n` says there."""
        return self._by_number[n].unit(spans)

    @property
    def sources(self) -> list[Source]:
        return [passage.source for passage in self._passages]

    def source(self, n: int) -> Source:
        return self._by_number[n].source

    def verbatim(self, text: str) -> tuple[int, tuple[Span, ...]] | None:
        """The first source that has `text` as whole sentences, whatever the spacing and emphasis; and the sentences.

        A source's table header is said by it too, though not in its excerpt: no sentences then.
        """
        bare = _BULLET.sub("", text, count=1).lstrip()
        needle = _normalized(bare)[0].strip()
        if not any(map(str.isalnum, needle)):
            return None
        for passage in self._passages:
            spans = passage.whole_sentences(needle, text[: len(text) - len(bare)])
            if spans or passage.is_table_header(needle):
                return passage.source.n, spans
        return None


class _Passage:
    def __init__(self, source: Source) -> None:
        self.source = source
        self._sentences = split_sentences(source.excerpt)
        self._text, self._offsets = _normalized(source.excerpt)

    def whole_sentences(self, needle: str, before_it: str = "") -> tuple[Span, ...]:
        """The sentences that are `needle`; empty where it is absent or says less than the sentences it stands in.

        A number that opens it must have the same sign before it here and there.
        """
        excerpt = self.source.excerpt
        at = self._text.find(needle)
        while at >= 0:
            start, end = self._offsets[at], self._offsets[at + len(needle) - 1] + 1
            covered = tuple(span for span in self._sentences if span.start < end and start < span.end)
            if covered:
                opening = excerpt[covered[0].start : start]
                before = _BULLET.sub("", opening, count=1)
                after = excerpt[end : covered[-1].end]
                if not any(map(str.isalnum, before + after)) and _same_sign(needle, before_it, opening):
                    return covered
            at = self._text.find(needle, at + 1)
        return ()

    def is_table_header(self, needle: str) -> bool:
        header = self.source.location.table_header
        return header is not None and _normalized(header)[0].strip() == needle

    def units(self) -> list[Unit]:
        excerpt, sentences = self.source.excerpt, self._sentences
        units: list[Unit] = []
        lead_in: int | None = None
        for position, span in enumerate(sentences):
            text = excerpt[span.start : span.end]
            row = _TABLE_ROW.match(text) is not None
            if (row or _LIST_ITEM.match(text)) and lead_in is not None:
                # What opens the list may deny it: an item alone says nothing.
                units.append(self.unit([sentences[lead_in], span]))
                if 1 < position - lead_in <= _MAX_GROUP:
                    units.append(self.unit(sentences[lead_in : position + 1]))
                continue
            units.append(self.unit([span]))
            if row:
                lead_in = position
            else:
                lead_in = position if text.endswith(":") else None
                if position and (_LEANS_BACK.match(text) or points_back(text)):
                    units.append(self.unit(sentences[position - 1 : position + 1]))
        return units

    @cached_property
    def _around(self) -> frozenset[str]:
        place = self.source.location
        return content_stems(" ".join([self.source.title, *place.heading_path, place.table_header or ""]))

    def unit(self, spans: Sequence[Span]) -> Unit:
        text = " ".join(self.source.excerpt[span.start : span.end] for span in spans)
        return Unit(self.source.n, tuple(spans), text, content_stems(text), self._around)


def _same_sign(needle: str, one: str, other: str) -> bool:
    if not _OPENS_WITH_NUMBER.match(needle):
        return True
    signs = (_SIGN.search(before) for before in (one, other))
    mine, theirs = (sign.group().strip() if sign else "" for sign in signs)
    return mine == theirs


def _normalized(text: str) -> tuple[str, list[int]]:
    """Case, width, quotes, emphasis, markers and spacing evened out; and the index that each character comes from."""
    characters: list[str] = []
    offsets: list[int] = []
    markers = {index for match in MARKER.finditer(text) for index in range(match.start(), match.end())}
    for index, raw in enumerate(text):
        if raw in _EMPHASIS or index in markers:
            continue
        if raw.isspace():
            if characters and characters[-1] != " ":
                characters.append(" ")
                offsets.append(index)
        elif raw.isascii():
            if raw.isprintable():
                characters.append(raw.lower())
                offsets.append(index)
        elif unicodedata.category(raw) not in _UNSEEN_CATEGORIES:
            for character in unicodedata.normalize("NFKC", _PLAIN_SIGNS.get(raw, raw)).casefold():
                characters.append(character)
                offsets.append(index)
    return "".join(characters), offsets
