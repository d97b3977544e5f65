"""Lines of text on pages, wherever they were read, as headings, paragraphs and lists."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.ocr_lines import PictureLine

# A heading's type is at least this much larger than the body's; a document where many lines are has no such rule.
_HEADING_SCALE = 1.1
_MOST_HEADING_SHARE = 0.2
_MOST_HEADING_CHARACTERS = 150
_MOST_HEADING_LINES = 4
# With fewer of its entries found on their pages, an outline isn't about this text.
_LEAST_OUTLINE_SHARE = 0.5
# A gap between baselines larger than this many usual ones starts a paragraph.
_PARAGRAPH_GAP = 1.3
# Lines of one heading stand at most this many times their height apart.
_HEADING_GAP = 1.8
# A line at least this share of the longest one around it was broken by the margin, not by its author.
_FULL_LINE = 0.75
_LEAST_FULL_LINE = 35
_LEAST_PROSE_SHARE = 0.4
_MARKER = re.compile(r"(?:(?P<bullet>[•‣◦▪●○■*-])|\d{1,3}[.)]|\(?[a-z]\))\s+")
_NUMBERING = re.compile(r"[\d.]+")
_LETTERS = re.compile(r"[^\W\d_]{2}")
# The box around recognised letters grows and shrinks with their tails; only a much larger one is of larger type.
_LARGER_TYPE = 1.6


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page: its text, its font's height, and where it starts from the page's bottom left, in points."""

    text: str
    height: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A bookmark: its title, its depth from 0 and the index of its page from 0."""

    title: str
    level: int
    page: int


def lines_of_picture(found: Sequence[PictureLine], picture_height: int, points_per_pixel: float = 1.0) -> list[Line]:
    """What was recognised in a picture of a page, as lines of that page."""
    usual = median(line.height for line in found) if found else 0.0
    return [
        Line(
            line.text,
            (line.height if line.height >= _LARGER_TYPE * usual else usual) * points_per_pixel,
            line.left * points_per_pixel,
            (picture_height - line.bottom) * points_per_pixel,
        )
        for line in found
    ]


class Headings:
    """Tells headings from body text: by the outline where the document has one, else by the size of the type."""

    def __init__(self, pages: Mapping[int, Sequence[Line]], outline: Sequence[OutlineEntry]) -> None:
        self._outline = {(entry.page, _folded(entry.title)): entry.level + 1 for entry in outline}
        self._levels: dict[float, int] = {}
        if self._outline and sum(self._found_in_outline(pages)) < _LEAST_OUTLINE_SHARE * len(self._outline):
            self._outline = {}
        if not self._outline:
            self._levels = _levels_by_size([line for lines in pages.values() for line in lines])

    def run_at(self, page: int, lines: Sequence[Line], start: int) -> tuple[int, int] | None:
        """The level of the heading that begins at line `start` and the line after its last; None for body text."""
        return self._by_outline(page, lines, start) if self._outline else self._by_size(lines, start)

    def _found_in_outline(self, pages: Mapping[int, Sequence[Line]]) -> Iterator[bool]:
        for page, lines in pages.items():
            for start in range(len(lines)):
                yield self._by_outline(page, lines, start) is not None

    def _by_outline(self, page: int, lines: Sequence[Line], start: int) -> tuple[int, int] | None:
        text = ""
        for end in range(start + 1, min(start + _MOST_HEADING_LINES, len(lines)) + 1):
            text += lines[end - 1].text
            level = self._outline.get((page, _folded(text)))
            if level:
                return level, end
        return None

    def _by_size(self, lines: Sequence[Line], start: int) -> tuple[int, int] | None:
        level = self._levels.get(_size(lines[start]))
        if level is None:
            return None
        end = start + 1
        while end < len(lines) and self._levels.get(_size(lines[end])) == level and _touch(lines[end - 1], lines[end]):
            end += 1
        text = " ".join(line.text for line in lines[start:end])
        too_long = end - start > _MOST_HEADING_LINES or len(text) > _MOST_HEADING_CHARACTERS
        return None if too_long or not _LETTERS.search(text) else (level, end)


def _levels_by_size(lines: Sequence[Line]) -> dict[float, int]:
    if not lines:
        return {}
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[_size(line)] += len(line.text)
    body = sizes.most_common(1)[0][0]
    usual = median(line.height for line in lines if _size(line) == body)
    larger = [line for line in lines if line.height >= usual * _HEADING_SCALE]
    if body <= 0 or len(larger) > _MOST_HEADING_SHARE * len(lines):
        return {}
    ranked = sorted({_size(line) for line in larger if _LETTERS.search(line.text)}, reverse=True)
    return {size: level for level, size in enumerate(ranked, start=1)}


def _size(line: Line) -> float:
    return round(line.height * 2) / 2


def _touch(above: Line, below: Line) -> bool:
    return 0 <= above.y - below.y <= _HEADING_GAP * below.height


def _folded(text: str) -> str:
    """Text for comparison: outlines leave out spaces, numbers and capitals that the page has."""
    return _NUMBERING.sub("", "".join(text.split()), count=1).casefold()


def add_page(builder: DocumentBuilder, page: int, lines: Sequence[Line], headings: Headings) -> None:
    """Adds a page's lines as headings, paragraphs and lists."""
    drops = [above.y - below.y for above, below in pairwise(lines) if above.y > below.y]
    usual_drop = median(drops) if drops else 0.0
    group: list[Line] = []
    index = 0
    while index < len(lines):
        run = headings.run_at(page, lines, index)
        if run or (group and _parted(group[-1], lines[index], usual_drop)):
            _add_group(builder, group)
            group = []
        if run:
            level, end = run
            builder.heading(level, " ".join(line.text for line in lines[index:end]))
            index = end
        else:
            group.append(lines[index])
            index += 1
    _add_group(builder, group)


def _parted(above: Line, below: Line, usual_drop: float) -> bool:
    """Whether a paragraph ends between two lines: at a gap, or where the next column begins after a full stop."""
    drop = above.y - below.y
    return drop > usual_drop * _PARAGRAPH_GAP or (drop < 0 and above.text.endswith((".", "!", "?", ":")))


def _add_group(builder: DocumentBuilder, group: Sequence[Line]) -> None:
    """Adds lines that stand together, putting lines of prose that the margin broke back together."""
    longest = max((len(line.text) for line in group), default=0)
    prose = _is_prose(group)
    pieces: list[str] = []
    full = False
    for line in group:
        if not pieces or _MARKER.match(line.text):
            pieces.append(line.text)
        else:
            pieces[-1] += (" " if full or line.text[:1].islower() else "\n") + line.text
        full = prose and len(line.text) >= max(_LEAST_FULL_LINE, _FULL_LINE * longest)
    for piece in pieces:
        marker = _MARKER.match(piece)
        if marker:
            builder.list_item(piece[marker.end() :], marker="- " if marker["bullet"] else f"{marker[0].strip()} ")
        else:
            builder.paragraph(piece)


def _is_prose(group: Sequence[Line]) -> bool:
    """Prose is mostly words without a capital; a table or a form is mostly names and numbers."""
    words = [word for line in group for word in line.text.split()]
    return sum(word[0].isalpha() and not word[0].isupper() for word in words) >= _LEAST_PROSE_SHARE * len(words)
