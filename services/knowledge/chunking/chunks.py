"""Cuts a parsed document into the passages that are embedded, found and cited."""

import hashlib
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from services.knowledge.chunking.packing import Passage, pack
from services.knowledge.chunking.units import TokenCounter, Unit, split_units, split_until_they_fit, stretches
from services.knowledge.parsing.document import BlockKind, ParsedDocument

# all-MiniLM-L6-v2 reads 256 tokens: two mark the ends, and the title and heading path embedded with a chunk need room.
DEFAULT_MAX_TOKENS = 200
DEFAULT_OVERLAP_TOKENS = 30
# A first row that is longer isn't repeated with every passage of its table.
TABLE_HEADER_CHARS = 500


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: `text` is exactly the document's text from `start` to `end`.

    `heading_path` is what all of the passage stands under, `page` the page (from 1) on which it begins, `table_header`
    the first row of the table in whose further rows it begins, if that row is short. `content_hash` (SHA-256,
    hexadecimal) depends on the text and the heading path alone, so unchanged content keeps it; a document that repeats
    a passage under the same headings repeats its hash.
    """

    index: int
    text: str
    start: int
    end: int
    heading_path: tuple[str, ...]
    table_header: str | None
    page: int | None
    token_count: int
    content_hash: str


def chunk(
    document: ParsedDocument,
    count_tokens: TokenCounter,
    *,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    overlap_tokens: int = DEFAULT_OVERLAP_TOKENS,
) -> list[Chunk]:
    """Returns the chunks of `document` in order, together covering every visible character of its text.

    `count_tokens` gives the number of tokens of each of a batch of texts, without special tokens. No chunk has more
    than `max_tokens`, unless a single character does. A chunk stays within one section of the highest level at which
    the document branches, a heading stays with the text below it, and a passage is cut between blocks rather than
    between list items or table rows, and there rather than between sentences. Where a paragraph or list has to be cut,
    the second part begins with up to `overlap_tokens` of the first. Takes time linear in the length of the text.
    Raises `ValueError` when the limits make no sense.
    """
    if max_tokens < 1 or not 0 <= overlap_tokens < max_tokens:
        raise ValueError(f"need 0 <= overlap_tokens < max_tokens, got {overlap_tokens!r} and {max_tokens!r}")
    depth = len(_shared([block.heading_path for blocks in stretches(document) for block in blocks])) + 1
    starts = [block.start for block in document.blocks]
    chunks: list[Chunk] = []
    for blocks in stretches(document):
        units = split_units(document.text, blocks, count_tokens, max_tokens)
        sections = _sections(units, depth)
        passages = [passage for section in sections for passage in pack(section, max_tokens, overlap_tokens)]
        for passage, tokens in _verified(document.text, passages, count_tokens, max_tokens):
            chunks.append(_chunk(len(chunks), document, starts, passage, tokens))
    return chunks


def _sections(units: Sequence[Unit], depth: int) -> list[list[Unit]]:
    """The units by section of the highest level at which the document branches, which is `depth`.

    Headings without a text of their own go with the first section below them.
    """
    sections: list[list[Unit]] = []
    for path, group in groupby(units, key=lambda unit: unit.heading_path[:depth]):
        above = sections[-1] if sections else []
        bare = bool(above) and all(unit.is_heading for unit in above)
        if bare and path[: len(above[-1].heading_path)] == above[-1].heading_path:
            above.extend(group)
        else:
            sections.append(list(group))
    return sections


def _verified(
    text: str, passages: Sequence[Passage], count_tokens: TokenCounter, max_tokens: int
) -> list[tuple[Passage, int]]:
    """The passages with their token counts, after splitting those whose parts count for more together than apart."""

    def counted(parts: Sequence[Passage]) -> list[tuple[Passage, int]]:
        counts = count_tokens([text[part.start : part.end] for part in parts])
        return list(zip(parts, counts, strict=True))

    fitting: list[tuple[Passage, int]] = []
    waiting = deque(counted(passages))
    while waiting:
        passage, tokens = waiting.popleft()
        begins_late = not fitting or passage.start > fitting[-1][0].start
        parts: Sequence[Passage] = ()
        if passage.overlap and (tokens > max_tokens or not begins_late):
            parts = [passage.without_overlap()]
        elif tokens > max_tokens and len(passage.units) > 1:
            parts = passage.halves()
        elif tokens > max_tokens:
            pieces = split_until_they_fit(text, passage.units, count_tokens, max_tokens)
            parts = [Passage((piece,), ()) for piece in pieces] if len(pieces) > 1 else ()
        if parts:
            waiting.extendleft(reversed(counted(parts)))
        else:
            fitting.append((passage, tokens))
    return fitting


def _shared(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What all the paths begin with."""
    shared = paths[0] if paths else ()
    for path in paths:
        if path[: len(shared)] != shared:
            shared = tuple(
                one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(shared, path, strict=False))
            )
    return shared


def _table_header(document: ParsedDocument, block_starts: Sequence[int], passage: Passage) -> str | None:
    before = bisect_right(block_starts, passage.start)
    block = document.blocks[before - 1] if before else None
    if block is None or block.kind is not BlockKind.TABLE or passage.start >= block.end:
        return None
    first_row = document.text.find("\n", block.start, min(passage.start, block.start + TABLE_HEADER_CHARS))
    return document.text[block.start : first_row] if first_row >= 0 else None


def _chunk(index: int, document: ParsedDocument, block_starts: Sequence[int], passage: Passage, tokens: int) -> Chunk:
    body = [unit.heading_path for unit in passage.units if not unit.is_heading]
    path = _shared(body) if body else passage.units[-1].heading_path
    content = document.text[passage.start : passage.end]
    identity = "\x1f".join((*path, content))
    return Chunk(
        index=index,
        text=content,
        start=passage.start,
        end=passage.end,
        heading_path=path,
        table_header=_table_header(document, block_starts, passage),
        page=passage.units[0].page,
        token_count=tokens,
        content_hash=hashlib.sha256(identity.encode()).hexdigest(),
    )
