"""The smallest pieces that chunks are made of: sentences, list items, table rows, lines of code, headings."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from libs.text.sentences import split_sentences
from services.knowledge.parsing.document import Block, BlockKind, ParsedDocument

TokenCounter = Callable[[Sequence[str]], Sequence[int]]

# Text of few tokens can still be long: white space counts for nothing, and to some tokenizers a word of a thousand
# letters is one unknown token. So a unit costs at least its length divided by this, which prose never reaches.
_CHARACTERS_PER_TOKEN = 12
# Neighbours that together cost no more than this share of a chunk are one unit: where to cut between them matters
# little, and it bounds how many units a chunk can have.
_TINY_SHARE = 16
_BATCH = 1024
# What is cut at a time takes some hundred bytes a line.
STRETCH_CHARACTERS = 1_000_000
_OF_LINES = frozenset((BlockKind.TABLE, BlockKind.LIST, BlockKind.CODE))
# How far from an even cut a better place is looked for, at most.
_CUT_WINDOW = 1000
_LINE = re.compile(r"[^\n]+")
_BREAK = re.compile(r"\s+")


class Seam(IntEnum):
    """What a cut in front of a unit would cut apart, from the least to the most."""

    SECTION = 0
    BLOCK = 1
    ITEM = 2
    SENTENCE = 3
    WORD = 4
    HEADING = 5  # from the text below it


@dataclass(frozen=True, slots=True)
class Unit:
    """Characters [start, end) of the text, without white space around them.

    `tokens` is its cost: the tokens it counts for, or more where it is long for that. `block` is the index of its
    block.
    """

    start: int
    end: int
    tokens: int
    block: int
    kind: BlockKind
    heading_path: tuple[str, ...]
    page: int | None
    seam: Seam

    @property
    def is_heading(self) -> bool:
        return self.kind is BlockKind.HEADING


def stretches(document: ParsedDocument) -> Iterator[list[Block]]:
    """Yields all of the text's blocks, about `STRETCH_CHARACTERS` at a time: the units of a long text are many.

    A heading is never the last of a stretch but of the last one.
    """
    stretch: list[Block] = []
    characters = 0
    for block in _blocks_and_gaps(document):
        for part in _parts_of_long(document.text, block):
            if characters >= STRETCH_CHARACTERS and stretch[-1].kind is not BlockKind.HEADING:
                yield stretch
                stretch, characters = [], 0
            stretch.append(part)
            characters += part.end - part.start
    if stretch:
        yield stretch


def split_units(text: str, blocks: Sequence[Block], count_tokens: TokenCounter, max_tokens: int) -> list[Unit]:
    """Returns the units of the blocks, in order; none costs more than `max_tokens`, unless one character does."""
    tiny = max_tokens // _TINY_SHARE
    rough = [
        Unit(start, end, 0, index, block.kind, block.heading_path, block.page, seam)
        for index, block in enumerate(blocks)
        for start, end, seam in _spans(text, block, tiny)
    ]
    fitting = split_until_they_fit(text, rough, count_tokens, max_tokens)
    return _with_outer_seams(text, _coalesced(fitting, tiny))


def split_until_they_fit(text: str, units: Sequence[Unit], count_tokens: TokenCounter, max_tokens: int) -> list[Unit]:
    """Returns the units with their costs, in order; those that cost too much are cut until they don't."""
    done: list[Unit] = []
    waiting = list(units)
    while waiting:
        priced = _priced(text, waiting, count_tokens, max_tokens)
        waiting = []
        for unit in priced:
            if unit.tokens <= max_tokens or unit.end - unit.start == 1:
                done.append(unit)
            else:
                waiting.extend(_parts(text, unit, max(2, -(-unit.tokens // max_tokens))))
    return sorted(done, key=lambda unit: unit.start)


def _priced(text: str, units: Sequence[Unit], count_tokens: TokenCounter, max_tokens: int) -> list[Unit]:
    """The units with their costs. What is too long anyway isn't counted, so that cutting it costs little."""
    countable = [unit for unit in units if _least_cost(unit.end - unit.start) <= max_tokens]
    counts: list[int] = []
    for first in range(0, len(countable), _BATCH):
        counts.extend(count_tokens([text[unit.start : unit.end] for unit in countable[first : first + _BATCH]]))
    counted = {unit.start: count for unit, count in zip(countable, counts, strict=True)}
    return [replace(unit, tokens=max(counted.get(unit.start, 0), _least_cost(unit.end - unit.start))) for unit in units]


def _least_cost(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)


def _parts(text: str, unit: Unit, number: int) -> Iterator[Unit]:
    """Cuts a unit into about equal parts: between sentences where possible, else words, else letters."""
    width = (unit.end - unit.start) / number
    begin, seam = unit.start, unit.seam
    for index in range(1, number + 1):
        ideal = unit.start + int(index * width)
        cut, next_seam = (
            _cut_near(text, ideal, min(_CUT_WINDOW, int(width / 4))) if index < number else (unit.end, seam)
        )
        span = _stripped(text, begin, cut)
        if span:
            yield replace(unit, start=span[0], end=span[1], seam=seam)
        begin, seam = cut, next_seam


def _cut_near(text: str, ideal: int, reach: int) -> tuple[int, Seam]:
    window = text[ideal - reach : ideal + reach]
    sentences = [span.end for span in split_sentences(window)[:-1]]
    ends = sentences or [found.start() for found in _BREAK.finditer(window)] or [reach]
    cut = min(ends, key=lambda end: abs(end - reach))
    return ideal - reach + cut, Seam.SENTENCE if sentences else Seam.WORD


def _blocks_and_gaps(document: ParsedDocument) -> Iterator[Block]:
    """The blocks, and as paragraphs whatever a parser left between them, so that no text is lost."""
    position, before = 0, Block(0, 0, BlockKind.PARAGRAPH)
    for block in document.blocks:
        if document.text[position : block.start].strip():
            yield replace(before, start=position, end=block.start, kind=BlockKind.PARAGRAPH)
        yield block
        position, before = block.end, block
    if document.text[position:].strip():
        yield replace(before, start=position, end=len(document.text), kind=BlockKind.PARAGRAPH)


def _parts_of_long(text: str, block: Block) -> Iterator[Block]:
    """A table, list or code of many lines in parts, cut between lines; any other block whole."""
    start = block.start
    while block.kind in _OF_LINES and block.end - start > STRETCH_CHARACTERS:
        end = text.find("\n", start + STRETCH_CHARACTERS, block.end)
        if end < 0:
            break
        yield replace(block, start=start, end=end)
        start = end + 1
    yield replace(block, start=start)


def _spans(text: str, block: Block, tiny: int) -> Iterator[tuple[int, int, Seam]]:
    """Yields the parts of a block and the seam in front of each; those of few characters aren't worth a part each."""
    inner = Seam.ITEM
    if block.kind is BlockKind.HEADING:
        parts = [(block.start, block.end)]
    elif block.kind is BlockKind.PARAGRAPH:
        inner = Seam.SENTENCE
        sentences = split_sentences(text[block.start : block.end])
        parts = [(block.start + span.start, block.start + span.end) for span in sentences]
    else:
        parts = [found.span() for found in _LINE.finditer(text, block.start, block.end)]
    seam, begin, last = Seam.BLOCK, -1, -1
    for start, end in parts:
        span = _stripped(text, start, end)
        if not span:
            continue
        if begin >= 0 and span[1] - begin > tiny:
            yield begin, last, seam
            begin, seam = -1, inner
        begin, last = span[0] if begin < 0 else begin, span[1]
    if begin >= 0:
        yield begin, last, seam


def _stripped(text: str, start: int, end: int) -> tuple[int, int] | None:
    part = text[start:end]
    left = start + len(part) - len(part.lstrip())
    return (left, left + len(part.strip())) if left < end else None


def _coalesced(units: Sequence[Unit], most_tokens: int) -> list[Unit]:
    """The units, with tiny neighbours of the same section made one."""
    merged: list[Unit] = []
    for unit in units:
        last = merged[-1] if merged else None
        if last and not unit.is_heading and last.kind is unit.kind and _same_place(last, unit):
            tokens = max(last.tokens + unit.tokens, _least_cost(unit.end - last.start))
            if tokens <= most_tokens:
                merged[-1] = replace(last, end=unit.end, tokens=tokens, block=unit.block)
                continue
        merged.append(unit)
    return merged


def _same_place(one: Unit, other: Unit) -> bool:
    return one.heading_path == other.heading_path and one.page == other.page


def _with_outer_seams(text: str, units: Sequence[Unit]) -> list[Unit]:
    """The units with the seams that depend on what stands before them."""
    seamed: list[Unit] = []
    for unit in units:
        last = seamed[-1] if seamed else None
        seam = unit.seam
        if last and last.is_heading:
            seam = Seam.HEADING
        elif unit.is_heading:
            seam = Seam.SECTION
        elif last and seam is Seam.BLOCK and last.page != unit.page and text[unit.start].islower():
            seam = Seam.WORD  # a sentence that runs on from the page before
        seamed.append(unit if seam is unit.seam else replace(unit, seam=seam))
    return seamed
