"""Which units go together in a passage: the cheapest way to cut a section, found by dynamic programming.

The same idea as Knuth and Plass's line breaking ("Breaking paragraphs into lines", 1981): every passage costs something
for being short and for what its first cut cuts apart, and the cuts with the least sum win.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from services.knowledge.chunking.units import Seam, Unit
from services.knowledge.parsing.document import BlockKind

# What a cut costs, against _SHORTNESS for a passage that is nearly empty.
_CUT_COST = {
    Seam.SECTION: 0.0,
    Seam.BLOCK: 1.0,
    Seam.ITEM: 2.0,
    Seam.SENTENCE: 3.0,
    Seam.WORD: 6.0,
    Seam.HEADING: 100.0,
}
_SHORTNESS = 4.0
# What a heading inside a passage costs: small sections may share one, larger ones don't.
_INNER_HEADING = 3.0
# Bounds the search where units are tiny.
_MOST_UNITS = 40
_OVERLAPPING = frozenset((BlockKind.PARAGRAPH, BlockKind.LIST))


@dataclass(frozen=True, slots=True)
class Passage:
    """Units in order, after the `overlap` that repeats the end of the passage before."""

    units: tuple[Unit, ...]
    overlap: tuple[Unit, ...]

    @property
    def start(self) -> int:
        return (self.overlap or self.units)[0].start

    @property
    def end(self) -> int:
        return self.units[-1].end

    def without_overlap(self) -> "Passage":
        return Passage(self.units, ())

    def halves(self) -> "tuple[Passage, Passage]":
        """Cut where it cuts the least apart, the nearer to the middle the better."""
        middle = len(self.units) / 2
        at = min(range(1, len(self.units)), key=lambda i: (self.units[i].seam, abs(i - middle)))
        return Passage(self.units[:at], ()), Passage(self.units[at:], ())


def pack(units: Sequence[Unit], max_tokens: int, overlap_tokens: int) -> list[Passage]:
    """Returns the passages of a section, in order. None costs more than `max_tokens` with its overlap."""
    sums = list(accumulate((unit.tokens for unit in units), initial=0))
    headings = list(accumulate((unit.seam is Seam.SECTION for unit in units), initial=0))
    overlaps = [_overlap(units, index, overlap_tokens) for index in range(len(units))]
    best = [0.0] + [float("inf")] * len(units)
    cut_before = [0] * (len(units) + 1)
    for end in range(1, len(units) + 1):
        for start in range(end - 1, max(-1, end - 1 - _MOST_UNITS), -1):
            body = sums[end] - sums[start]
            if body > max_tokens and start < end - 1:
                break
            size = sums[end] - sums[overlaps[start]]
            if size > max_tokens:
                if start < end - 1:
                    continue
                size = body
            missing = max(0.0, 1 - size / max_tokens)
            cost = (
                best[start]
                + (_CUT_COST[units[start].seam] if start else 0.0)
                + _SHORTNESS * missing * missing
                + _INNER_HEADING * (headings[end] - headings[start + 1])
            )
            if cost < best[end]:
                best[end], cut_before[end] = cost, start
    return list(_passages(units, cut_before, overlaps, sums, max_tokens))


def _overlap(units: Sequence[Unit], index: int, most_tokens: int) -> int:
    """The index of the first unit to repeat in front of unit `index`: of the same paragraph or list, and few tokens."""
    first, tokens = index, 0
    if units[index].kind not in _OVERLAPPING or units[index].seam not in (Seam.ITEM, Seam.SENTENCE, Seam.WORD):
        return first
    while first > 0 and units[first - 1].block == units[index].block:
        tokens += units[first - 1].tokens
        if tokens > most_tokens:
            break
        first -= 1
    return first


def _passages(
    units: Sequence[Unit], cut_before: Sequence[int], overlaps: Sequence[int], sums: Sequence[int], max_tokens: int
) -> Iterator[Passage]:
    cuts = [len(units)]
    while cuts[-1] > 0:
        cuts.append(cut_before[cuts[-1]])
    cuts.reverse()
    previous = -1
    for start, end in pairwise(cuts):
        first = max(overlaps[start], previous + 1)  # never all of the passage before
        if sums[end] - sums[first] > max_tokens:
            first = start
        yield Passage(tuple(units[start:end]), tuple(units[first:start]))
        previous = start
