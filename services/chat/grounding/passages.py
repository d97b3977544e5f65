"""The numbered passages of one answer, cut into the units that can support a sentence."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from libs.contracts.chat import Source, TextSpan
from libs.text.sentences import Span, split_sentences
from services.chat.grounding.facts import Facts, facts_of
from services.chat.grounding.words import content_stems

# A sentence that opens like this is about the one before it.
_LEANS_BACK = re.compile(
    r"\W*(?:it|its|he|she|him|his|her|they|their|them|this|that|these|those|such|both|here|there|then|"
    r"also|additionally|otherwise|instead|however|in (?:this|that|these|those|such))\b",
    re.IGNORECASE,
)
_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣◦–]|\d{1,3}[.)]|[a-z]\))\s")
_TABLE_ROW = re.compile(r"\s*\|")
_IGNORED_MARKUP = frozenset("*_`#")
_QUOTES = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-"}
_BULLET = re.compile(r"^[\s>]*(?:[-*+•‣◦–]\s+|\d{1,3}[.)]\s+)?")
_INVISIBLE = frozenset({"Cf", "Cc", "Cs", "Co"})
# Longer groups say too much at once: anything could be read out of them.
_MAX_GROUP = 12


@dataclass(frozen=True, eq=False)
class Unit:
    """A sentence of source `n`, or a few that only make sense together. `spans` are characters of the excerpt."""

    n: int
    spans: tuple[Span, ...]
    text: str
    stems: frozenset[str]
    facts: Facts
    around: frozenset[str]


class Passages:
    """Every unit of the sources, and where a text stands in them word for word."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.units: list[Unit] = []
        self._texts: list[_Located] = []
        for source in sources:
            located = _Located(source)
            self._texts.append(located)
            self.units += _units(source, located.sentences)

    def verbatim(self, text: str) -> tuple[int, list[Span]] | None:
        """The first source that has `text` as whole sentences, whatever the spacing and emphasis, and their spans."""
        needle, _ = _normalized(_BULLET.sub("", text, count=1))
        if not any(character.isalnum() for character in needle):
            return None
        for located in self._texts:
            spans = located.whole_sentences(needle.strip())
            if spans:
                return located.n, spans
        return None


class _Located:
    """A source's text, normalised, with the way back to its characters."""

    def __init__(self, source: Source) -> None:
        self.n = source.n
        self._excerpt = source.excerpt
        self.sentences = split_sentences(source.excerpt)
        self._text, self._offsets = _normalized(source.excerpt)

    def whole_sentences(self, needle: str) -> list[Span]:
        at = self._text.find(needle)
        while at >= 0:
            start, end = self._offsets[at], self._offsets[at + len(needle) - 1] + 1
            covered = [span for span in self.sentences if span.start < end and start < span.end]
            rest = [
                self._excerpt[covered[0].start : start],
                self._excerpt[end : covered[-1].end],
            ] if covered else ["x"]  # fmt: skip
            if not _BULLET.sub("", rest[0]).strip("*_`#\"'“‘(| ") and not any(map(str.isalnum, rest[1])):
                return covered
            at = self._text.find(needle, at + 1)
        return []


def _normalized(text: str) -> tuple[str, list[int]]:
    """Case, width, quotes, emphasis and spacing evened out; and for each character the index it comes from."""
    characters: list[str] = []
    offsets: list[int] = []
    for index, raw in enumerate(text):
        if raw in _IGNORED_MARKUP:
            continue
        if raw.isspace():
            if characters and characters[-1] != " ":
                characters.append(" ")
                offsets.append(index)
            continue
        if unicodedata.category(raw) in _INVISIBLE:
            continue
        for character in unicodedata.normalize("NFKC", _QUOTES.get(raw, raw)).casefold():
            characters.append(character)
            offsets.append(index)
    return "".join(characters), offsets


def _units(source: Source, sentences: Sequence[Span]) -> list[Unit]:
    excerpt = source.excerpt
    around = content_stems(" ".join([source.title, *source.location.heading_path]))
    units: list[Unit] = []
    lead_in: int | None = None
    for position, span in enumerate(sentences):
        text = excerpt[span.start : span.end]
        units.append(_unit(source, [span], around))
        if _LIST_ITEM.match(text) or _TABLE_ROW.match(text):
            if lead_in is not None:
                units.append(_unit(source, [sentences[lead_in], span], around))
                if 1 < position - lead_in <= _MAX_GROUP:
                    units.append(_unit(source, sentences[lead_in : position + 1], around))
            elif _TABLE_ROW.match(text):
                lead_in = position
            continue
        lead_in = position if text.endswith(":") else None
        if position and _LEANS_BACK.match(text):
            units.append(_unit(source, sentences[position - 1 : position + 1], around))
    return units


def _unit(source: Source, spans: Sequence[Span], around: frozenset[str]) -> Unit:
    text = " ".join(source.excerpt[span.start : span.end] for span in spans)
    return Unit(source.n, tuple(spans), text, content_stems(text), facts_of(text), around)


def text_spans(spans: Sequence[Span]) -> list[TextSpan]:
    """As the contract has them, neighbours joined where nothing but space lies between."""
    return [TextSpan(start=span.start, end=span.end) for span in spans]
