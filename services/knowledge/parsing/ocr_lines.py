"""Lines of text that were found in a picture, put into reading order."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_SAME_ROW = 0.5
# Two columns: a gap in the middle that no line crosses, with this many lines at least beside it, wide ones.
_LEAST_COLUMN_LINES = 6
_LEAST_COLUMN_WIDTH = 0.2
_GUTTERS = range(30, 71)


@dataclass(frozen=True, slots=True)
class PictureLine:
    """A line of text and its box, in pixels from the picture's top left."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top


def in_reading_order(lines: Sequence[PictureLine], width: int) -> list[PictureLine]:
    """Returns the lines of a picture `width` pixels wide, column by column, each from top to bottom."""
    gutter = _gutter(lines, width)
    if gutter is None:
        return _rows(lines)
    return _rows([line for line in lines if line.right <= gutter]) + _rows(
        [line for line in lines if line.left >= gutter]
    )


def _gutter(lines: Sequence[PictureLine], width: int) -> float | None:
    """Where two columns of running text part; None where rows run over the whole width."""
    for percent in _GUTTERS:
        x = width * percent / 100
        sides = [[one for one in lines if one.right <= x], [one for one in lines if one.left >= x]]
        if sum(map(len, sides)) == len(lines) and all(
            len(side) >= _LEAST_COLUMN_LINES
            and median(one.right - one.left for one in side) >= _LEAST_COLUMN_WIDTH * width
            for side in sides
        ):
            return x
    return None


def _rows(lines: Sequence[PictureLine]) -> list[PictureLine]:
    """The lines from top to bottom; those beside each other, as a table's cells are, become one."""
    rows: list[list[PictureLine]] = []
    for line in sorted(lines, key=lambda one: (one.top + one.bottom) / 2):
        middle = (line.top + line.bottom) / 2
        last = rows[-1] if rows else []
        if last and abs(middle - median((one.top + one.bottom) / 2 for one in last)) < _SAME_ROW * line.height:
            last.append(line)
        else:
            rows.append([line])
    return [_joined(sorted(row, key=lambda one: one.left)) for row in rows]


def _joined(row: Sequence[PictureLine]) -> PictureLine:
    return PictureLine(
        " ".join(one.text.strip() for one in row),
        row[0].left,
        min(one.top for one in row),
        max(one.right for one in row),
        max(one.bottom for one in row),
    )
