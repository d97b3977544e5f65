"""Joins the pieces a format's parser finds, in reading order, into a `ParsedDocument`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from services.knowledge.parsing.document import (
    Block,
    BlockKind,
    FailureCode,
    ParsedDocument,
    ParseFailure,
    ParseLimits,
    text_too_long,
)

BETWEEN_BLOCKS = "\n\n"
_MAX_HEADING_CHARACTERS = 200
_MAX_WARNINGS = 20
_MAX_WARNING_CHARACTERS = 300
_MAX_HEADING_DEPTH = 8
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Control characters that no store or terminal should meet, marks that only steer layout and would split words for a
# search, and halves of surrogate pairs, which UTF-8 can't carry.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")


def clean(text: str) -> str:
    """Returns the text with newlines for line ends, plain spaces for no-break ones, and no unprintable character."""
    return _UNPRINTABLE.sub("", _LINE_ENDS.sub("\n", text)).replace("\xa0", " ")


def one_line(text: str) -> str:
    """Returns the text with every run of white space turned into one space."""
    return " ".join(text.split())


class DocumentBuilder:
    """Collects blocks in reading order; `page` is set by the caller as it moves on, `date` once it is known.

    Every method that adds text raises `ParseFailure` (`too_large`) once the document passes its limits.
    """

    def __init__(self, limits: ParseLimits) -> None:
        self.page: int | None = None
        self.date: datetime | None = None
        self.warnings: list[str] = []
        self._limits = limits
        self._pieces: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0
        self._headings: list[tuple[int, str]] = []
        self._open_kind = BlockKind.PARAGRAPH
        self._open_lines: list[str] = []
        self._open_characters = 0

    @property
    def first_heading(self) -> str | None:
        """The first heading's text, when the document opens with one."""
        first = self._blocks[0] if self._blocks else None
        return first.heading_path[-1] if first and first.kind is BlockKind.HEADING else None

    def heading(self, level: int, text: str) -> None:
        """Adds a heading and puts what follows under it; a lower level is further out."""
        self.close()
        text = one_line(clean(text))
        if not text:
            return
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        if len(self._headings) < _MAX_HEADING_DEPTH:
            self._headings.append((level, text[:_MAX_HEADING_CHARACTERS]))
        self._append(BlockKind.HEADING, text)

    def leave_sections(self) -> None:
        """Ends every section: what follows stands under no heading."""
        self.close()
        self._headings = []

    def paragraph(self, text: str) -> None:
        self.close()
        self._append(BlockKind.PARAGRAPH, clean(text).strip())

    def code(self, text: str) -> None:
        self.close()
        self._append(BlockKind.CODE, clean(text).strip("\n").rstrip())

    def list_item(self, text: str, depth: int = 0, marker: str = "- ") -> None:
        """Adds a line to the list being collected; an empty marker continues the item above."""
        indent = "  " * min(depth, _MAX_HEADING_DEPTH)
        lines = clean(text).strip().split("\n")
        if lines == [""]:
            return
        hanging = indent + " " * len(marker or "- ")
        first = indent + marker if marker else hanging
        self._collect(BlockKind.LIST, first + f"\n{hanging}".join(lines))

    def table_row(self, cells: Iterable[str]) -> None:
        """Adds a row to the table being collected."""
        row = [one_line(clean(cell)) for cell in cells]
        if any(row):
            self._collect(BlockKind.TABLE, f"| {' | '.join(row)} |")

    def close(self) -> None:
        """Ends the list or table being collected, so that the next row or item starts another."""
        if self._open_lines:
            lines, self._open_lines, self._open_characters = self._open_lines, [], 0
            self._append(self._open_kind, "\n".join(lines))

    def embed(self, name: str, document: ParsedDocument) -> None:
        """Adds another document as a section under the heading `name`."""
        self.heading(1, name)
        outer, page = self._headings, self.page
        for block in document.blocks:
            self._headings = [*outer, *enumerate(block.heading_path, start=len(outer) + 1)][:_MAX_HEADING_DEPTH]
            self.page = block.page
            self._append(block.kind, document.text[block.start : block.end])
        self._headings, self.page = outer, page
        self.warnings += [f"{name}: {warning}" for warning in document.warnings]

    def limits_left(self) -> ParseLimits:
        """The limits, less the text and blocks that are here already."""
        return replace(
            self._limits,
            text_characters=max(1, self._limits.text_characters - self._length - self._open_characters),
            blocks=max(1, self._limits.blocks - len(self._blocks)),
        )

    def build(self, title: str | None) -> ParsedDocument:
        """Returns the document. Raises `ParseFailure` (`empty`) when nothing visible was found."""
        self.close()
        if not self._blocks:
            raise ParseFailure(FailureCode.EMPTY, "The document contains no text.")
        title = one_line(clean(title or ""))[:_MAX_HEADING_CHARACTERS]
        return ParsedDocument(
            BETWEEN_BLOCKS.join(self._pieces),
            title or None,
            tuple(self._blocks),
            _shortened(self.warnings),
            date=self.date,
        )

    def _collect(self, kind: BlockKind, line: str) -> None:
        if kind is not self._open_kind:
            self.close()
            self._open_kind = kind
        self._open_lines.append(line)
        self._open_characters += len(line) + 1
        self._check_length(self._open_characters)

    def _append(self, kind: BlockKind, text: str) -> None:
        if not text or text.isspace():
            return
        start = self._length + len(BETWEEN_BLOCKS) if self._pieces else 0
        self._length = start + len(text)
        self._pieces.append(text)
        path = tuple(heading for _, heading in self._headings)
        self._blocks.append(Block(start, self._length, kind, path, self.page))
        self._check_length(0)

    def _check_length(self, pending: int) -> None:
        if self._length + pending > self._limits.text_characters:
            raise text_too_long(self._limits)
        if len(self._blocks) > self._limits.blocks:
            message = f"The document has more than {self._limits.blocks:,} parts. Split it and try again."
            raise ParseFailure(FailureCode.TOO_LARGE, message)


def _shortened(warnings: Sequence[str]) -> tuple[str, ...]:
    """The first few: an archive may have thousands of parts that can't be read."""
    shown = tuple(warning[:_MAX_WARNING_CHARACTERS] for warning in warnings[:_MAX_WARNINGS])
    left = len(warnings) - len(shown)
    return (*shown, f"And {left:,} more.") if left else shown
