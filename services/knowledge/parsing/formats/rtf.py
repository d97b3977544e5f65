"""RTF: paragraphs, headings by outline level, tables. striprtf reads the text, marks keep the structure."""

import re
from typing import Any, cast

from striprtf import striprtf  # pyright: ignore[reportMissingTypeStubs] - it has none

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits

_striprtf = cast("Any", striprtf)
# Private characters, which `clean` would keep and no text has, stand for what the plain text would lose.
_CELL, _ROW, _HEADING = "\ue000", "\ue001", "\ue002"
_CONTROL = re.compile(rb"(?<!\\)((?:\\\\)*)\\(nestcell|cell|nestrow|row|outlinelevel([0-8]))(?![a-zA-Z0-9])")
_MARKED = re.compile(f"{_HEADING}([0-8])")
_TITLE = re.compile(rb"\{\\title\s+([^{}\\]{1,300})\}")
_CORRUPT = "The file isn't a readable RTF document: it is damaged or incomplete."


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    if not data.lstrip().startswith(b"{\\rtf"):
        raise ParseFailure(FailureCode.CORRUPT, _CORRUPT)
    try:
        text: str = _striprtf.rtf_to_text(_CONTROL.sub(_mark, data).decode("latin-1"), errors="replace")
    except (ValueError, LookupError, TypeError) as error:
        raise ParseFailure(FailureCode.CORRUPT, _CORRUPT) from error
    builder = DocumentBuilder(limits)
    title = _TITLE.search(data)
    table: list[str] = []
    for line in text.split("\n"):
        # A cell's paragraphs are lines of their own until the row ends.
        table.append(line)
        if _CELL in line or _ROW in line:
            if _ROW not in line:
                continue
            _add_row(builder, "\n".join(table))
        elif any(_CELL in earlier for earlier in table):
            continue
        else:
            _add_line(builder, line)
        table = []
    for line in table:
        _add_line(builder, line.replace(_CELL, " "))
    return builder.build(title[1].decode("latin-1").strip() if title else builder.first_heading)


def _mark(found: re.Match[bytes]) -> bytes:
    before, word = found[1], found[2]
    if word.endswith(b"cell"):
        return before + rb"\u57344 ?"
    if word.endswith(b"row"):
        return before + rb"\u57345 ?\par "
    return before + rb"\u57346 ?" + found[3]


def _add_row(builder: DocumentBuilder, row: str) -> None:
    cells, _, after = _MARKED.sub("", row).partition(_ROW)
    builder.table_row(cells.split(_CELL)[:-1] or [cells])
    _add_line(builder, after)


def _add_line(builder: DocumentBuilder, line: str) -> None:
    found = _MARKED.search(line)
    plain = _MARKED.sub("", line).strip()
    if not plain:
        return
    if found:
        builder.heading(int(found[1]) + 1, plain)
    else:
        builder.paragraph(plain)
