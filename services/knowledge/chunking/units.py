"""The smallest pieces that chunks are made of: sentences, list items, table rows, lines of code, headings."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise

from libs.text.sentences import split_sentences
from services.knowledge.parsing.document import Block, BlockKind, ParsedDocument

type_of_counts = Sequence[int]
TokenCounter = Callable[[Sequence[str]], Sequence[int]]

# Text of few tokens can still be long: white space counts for nothing, and to some tokenizers a word of a thousand
# letters is one unknown token. So a unit's cost is at least its length divided by this, which prose never reaches.
_CHARACTERS_PER_TOKEN = 12
# Neighbours that together cost no more than this share of a chunk are one unit: where to cut between them matters
# little, and it bounds how many units a chunk can have.
_TINY_SHARE = 16
_BATCH = 4096
_WORD = re.compile(r"\S+")


class Seam(IntEnum):
    """What a cut between a unit and the next would cut apart, from the least to the most."""

    SECTION = 0
    BLOCK = 1
    ITEM = 2
    SENTENCE = 3
    WORD = 4
    HEADING = 5  # from the text below it


@dataclass(frozen=True, slots=True)
class Unit:
    """Characters [start, end) of the text, without white space around them.

    `tokens` is its cost: the tokens it counts for, or more where it is long for that. `block` is the index of the
    block it is from, `seam` what lies between it and the unit before it.
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


def split_units(document: ParsedDocument, count_tokens: TokenCounter, max_tokens: int) -> list[Unit]:
    """Returns the units of the document, in order; none costs more than `max_tokens`, unless one character does."""
    text = document.text
    rough = [
        _unit(text, start, end, index, block, seam)
        for index, block in enumerate(_without_gaps(document))
        for start, end, seam in _spans(text, block)
    ]
    fitting: list[Unit] = []
    for unit in _with_cost(text, rough, count_tokens):
        if unit.tokens <= max_tokens:
            fitting.append(unit)
        else:
            fitting.extend(split_until_it_fits(text, unit, count_tokens, max_tokens))
    return _with_seams(text, _coalesced(fitting, max_tokens // _TINY_SHARE))
