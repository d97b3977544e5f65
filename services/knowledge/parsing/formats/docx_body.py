"""The running text of a Word document's part, read as a stream of XML events."""

from dataclasses import dataclass, field
from typing import IO

from services.knowledge.parsing.builder import DocumentBuilder, one_line
from services.knowledge.parsing.formats.docx_styles import TITLE_LEVEL, Style, outline_level
from services.knowledge.parsing.formats.xml_events import XmlElement, attribute, local_name, xml_events

# Deleted and moved-away text, field codes, and the copy of a text box kept for old readers.
_SKIPPED = frozenset(
    ("del", "moveFrom", "delText", "instrText", "Fallback", "sdtPr", "pPrChange", "rPr", "sectPr", "tblPr")
)
_BREAKS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}


@dataclass(slots=True)
class _Paragraph:
    style: str = ""
    outline: int | None = None
    in_list: bool | None = None
    depth: int = 0
    pieces: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()


@dataclass(slots=True)
class _Table:
    cells: list[str] = field(default_factory=list[str])
    cell: list[str] = field(default_factory=list[str])


class BodyReader:
    """Adds a part's paragraphs, lists and tables to the builder; `title` is the text styled as the title, if any."""

    def __init__(self, builder: DocumentBuilder, styles: dict[str, Style]) -> None:
        self.title: str | None = None
        self._builder = builder
        self._styles = styles
        self._paragraphs: list[_Paragraph] = []  # a text box nests its paragraphs in another
        self._tables: list[_Table] = []
        self._in_properties = False
        self._skipping = 0

    def read(self, stream: IO[bytes]) -> None:
        """Raises `XmlError`, and `ParseFailure` when the text is too long."""
        for event, element in xml_events(stream):
            name = local_name(element)
            if name in _SKIPPED:
                self._skipping += 1 if event == "start" else -1
            elif self._skipping:
                continue
            elif event == "start":
                self._start(name)
            else:
                self._end(name, element)
        self._builder.close()

    def _start(self, name: str) -> None:
        if name == "p":
            self._paragraphs.append(_Paragraph())
        elif name == "pPr":
            self._in_properties = True
        elif name == "tbl":
            self._builder.close()
            self._tables.append(_Table())

    def _end(self, name: str, element: XmlElement) -> None:
        if name == "pPr":
            self._in_properties = False
        elif self._in_properties:
            self._property(name, element)
        elif name == "t" and self._paragraphs:
            self._paragraphs[-1].pieces.append(element.text or "")
        elif name in _BREAKS and self._paragraphs:
            self._paragraphs[-1].pieces.append(_BREAKS[name])
        elif name == "p" and self._paragraphs:
            self._add(self._paragraphs.pop())
            element.clear()
        elif name in ("tc", "tr", "tbl") and self._tables:
            self._end_table_part(name)
            element.clear()

    def _property(self, name: str, element: XmlElement) -> None:
        if not self._paragraphs:
            return
        paragraph, value = self._paragraphs[-1], attribute(element, "val")
        if name == "pStyle":
            paragraph.style = value
        elif name == "outlineLvl":
            paragraph.outline = outline_level(value)
        elif name == "numId":
            paragraph.in_list = value != "0"
        elif name == "ilvl" and value.isdecimal() and len(value) == 1:
            paragraph.depth = int(value)

    def _add(self, paragraph: _Paragraph) -> None:
        text = paragraph.text
        if not text:
            return
        style = self._styles.get(paragraph.style, Style())
        heading = style.heading if paragraph.outline is None else paragraph.outline
        if self._tables:
            self._tables[-1].cell.append(text)
        elif heading is not None:
            if heading == TITLE_LEVEL and self.title is None:
                self.title = one_line(text)
            self._builder.heading(heading, text)
        elif style.is_list if paragraph.in_list is None else paragraph.in_list:
            self._builder.list_item(text, paragraph.depth)
        else:
            self._builder.paragraph(text)

    def _end_table_part(self, name: str) -> None:
        table = self._tables[-1]
        if name == "tc":
            table.cells.append(" ".join(table.cell))
            table.cell = []
        elif name == "tr":
            cells, table.cells = table.cells, []
            if len(self._tables) > 1:  # a table within a cell becomes that cell's text
                self._tables[-2].cell.append(" ".join(cells))
            else:
                self._builder.table_row(cells)
        else:
            self._tables.pop()
            if not self._tables:
                self._builder.close()
