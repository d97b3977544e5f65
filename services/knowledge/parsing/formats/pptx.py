"""PPTX (Office Open XML): each slide's title, text, tables and diagrams, then its notes; slides count as pages."""

from dataclasses import dataclass, field

from services.knowledge.parsing.builder import DocumentBuilder, one_line
from services.knowledge.parsing.document import ParsedDocument, ParseLimits
from services.knowledge.parsing.formats.packages import OfficePackage, open_package, properties
from services.knowledge.parsing.formats.xml_events import XmlElement, local_name, xml_events

_CORRUPT = "The file isn't a readable presentation: it is damaged or incomplete."
_TITLES = ("title", "ctrTitle")
# Placeholders that hold the date, the page's number and what every slide repeats.
_FURNITURE = frozenset(("dt", "ftr", "hdr", "sldNum", "sldImg"))
_SHAPE, _TABLE = "sp", "tbl"


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    with open_package(data, _CORRUPT) as package:
        return _read(package, limits)


def _read(package: OfficePackage, limits: ParseLimits) -> ParsedDocument:
    builder = DocumentBuilder(limits)
    slides = {found.id: found.target for found in package.relationships(package.main) if found.kind == "slide"}
    with package.open(package.main) as stream:
        order = [
            _relation_id(element)
            for event, element in xml_events(stream)
            if event == "end" and local_name(element) == "sldId"
        ]
    for number, part in enumerate((slides[found] for found in order if found in slides), start=1):
        builder.leave_sections()
        builder.page = number
        _add_part(builder, package, part)
        for found in package.relationships(part):
            if found.kind == "diagramData" and found.target in package.names:
                _add_part(builder, package, found.target)
            if found.kind == "notesSlide" and found.target in package.names:
                _add_part(builder, package, found.target)
    said = properties(package)
    builder.date = said.date
    return builder.build(said.title or builder.first_heading)


def _relation_id(element: XmlElement) -> str:
    """The relation's id: a slide has another `id` without a namespace."""
    return next((value for key, value in element.items() if key.endswith("}id")), "")


@dataclass(slots=True)
class _Shape:
    placeholder: str | None = None
    paragraphs: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


def _add_part(builder: DocumentBuilder, package: OfficePackage, part: str) -> None:
    with package.open(part) as stream:
        reader = _SlideReader(builder)
        for event, element in xml_events(stream):
            name = local_name(element)
            if event == "start":
                reader.start(name, element)
            else:
                reader.end(name, element)
        reader.finish()


class _SlideReader:
    """Collects a slide's shapes; its title comes first wherever it stands in the file."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._title: _Shape | None = None
        self._shapes: list[_Shape | list[list[str]]] = []
        self._shape = _Shape()
        self._table: list[list[str]] | None = None
        self._cell: list[str] = []
        self._level = 0
        self._pieces: list[str] = []

    def start(self, name: str, element: XmlElement) -> None:
        if name == _SHAPE:
            self._shape = _Shape()
        elif name == "ph":
            self._shape.placeholder = element.get("type", "body")
        elif name == _TABLE:
            self._table = []
        elif name == "tr" and self._table is not None:
            self._table.append([])
        elif name == "pPr":
            level = element.get("lvl", "0")
            self._level = int(level) if level.isdecimal() and len(level) == 1 else 0

    def end(self, name: str, element: XmlElement) -> None:
        if name == "t":
            self._pieces.append(element.text or "")
        elif name == "br":
            self._pieces.append("\n")
        elif name == "p":
            self._end_paragraph()
            element.clear()
        elif name == "tc" and self._table:
            self._table[-1].append(" ".join(self._cell))
            self._cell = []
        elif name == _TABLE and self._table is not None:
            self._shapes.append(self._table)
            self._table = None
            element.clear()
        elif name == _SHAPE:
            self._end_shape()
            element.clear()

    def finish(self) -> None:
        self._end_shape()
        if self._title:
            self._builder.heading(1, one_line(" ".join(text for _, text in self._title.paragraphs)))
        for shape in self._shapes:
            if isinstance(shape, _Shape):
                self._add_text(shape)
            else:
                for row in shape:
                    self._builder.table_row(row)
                self._builder.close()

    def _end_paragraph(self) -> None:
        text = "".join(self._pieces).strip()
        if text and self._table is not None:
            self._cell.append(text)
        elif text:
            self._shape.paragraphs.append((self._level, text))
        self._pieces, self._level = [], 0

    def _end_shape(self) -> None:
        shape, self._shape = self._shape, _Shape()
        if not shape.paragraphs or shape.placeholder in _FURNITURE:
            return
        if shape.placeholder in _TITLES and self._title is None:
            self._title = shape
        else:
            self._shapes.append(shape)

    def _add_text(self, shape: _Shape) -> None:
        if len(shape.paragraphs) == 1:
            self._builder.paragraph(shape.paragraphs[0][1])
            return
        for level, text in shape.paragraphs:
            self._builder.list_item(text, level)
        self._builder.close()
