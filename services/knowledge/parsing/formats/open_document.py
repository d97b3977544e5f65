"""OpenDocument texts and presentations (ODT, ODP): headings, lists, tables; slides count as pages."""

from typing import IO

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.document import ParsedDocument, ParseLimits, encrypted
from services.knowledge.parsing.formats.packages import open_package, properties
from services.knowledge.parsing.formats.xml_events import XmlElement, attribute, local_name, xml_events

_CORRUPT = "The file isn't a readable OpenDocument file: it is damaged or incomplete."
_CONTENT, _MANIFEST = "content.xml", "META-INF/manifest.xml"
# What was deleted, what the reader doesn't see, and the indexes that repeat headings.
_SKIPPED = frozenset(
    ("tracked-changes", "annotation", "table-of-content", "alphabetical-index", "forms", "note-citation")
)
_BREAKS = {"tab": "\t", "line-break": "\n"}
_PARAGRAPHS = frozenset(("p", "h"))
_LONG_COUNT = 4
_MOST_REPEATED_CELLS = 100


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    with open_package(data, _CORRUPT) as package:
        if _MANIFEST in package.names:
            with package.open(_MANIFEST) as stream:
                if any(local_name(element) == "encryption-data" for _, element in xml_events(stream)):
                    raise encrypted()
        builder = DocumentBuilder(limits)
        reader = _ContentReader(builder)
        with package.open(_CONTENT) as stream:
            reader.read(stream)
        said = properties(package)
        builder.date = said.date
        return builder.build(said.title or reader.title or builder.first_heading)


class _ContentReader:
    """Adds the body's blocks to the builder; `title` is the text styled as the title, if any."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self.title: str | None = None
        self._builder = builder
        self._paragraphs = 0  # open ones: a note or text box nests its paragraphs in another
        self._lists = 0
        self._fresh_item = False
        self._tables = 0
        self._row: list[str] = []
        self._cell: list[str] = []
        self._skipping = 0

    def read(self, stream: IO[bytes]) -> None:
        """Raises `XmlError`, and `ParseFailure` when the text is too long."""
        for event, element in xml_events(stream):
            name = local_name(element)
            if name in _SKIPPED and not self._paragraphs:
                self._skipping += 1 if event == "start" else -1
            elif self._skipping:
                continue
            elif name in _PARAGRAPHS:
                self._paragraphs += 1 if event == "start" else -1
                if event == "end" and not self._paragraphs:
                    self._add(name, element)
                    element.clear()
            elif self._paragraphs:
                continue  # the paragraph's own end reads it
            elif event == "start":
                self._start(name)
            else:
                self._end(name, element)
        self._builder.close()

    def _start(self, name: str) -> None:
        if name == "list":
            self._lists += 1
        elif name == "list-item":
            self._fresh_item = True
        elif name == "table":
            self._tables += 1
            if self._tables == 1:
                self._builder.close()
        elif name == "page":
            self._builder.leave_sections()
            self._builder.page = (self._builder.page or 0) + 1

    def _end(self, name: str, element: XmlElement) -> None:
        if name == "list":
            self._lists -= 1
            if not self._lists and not self._tables:
                self._builder.close()
        elif name in ("table-cell", "covered-table-cell"):
            repeated = attribute(element, "number-columns-repeated")
            times = min(int(repeated), _MOST_REPEATED_CELLS) if repeated.isdecimal() else 1
            if self._tables == 1:
                self._row += [" ".join(self._cell)] * times
                self._cell = []
            element.clear()
        elif name == "table-row" and self._tables == 1:
            self._builder.table_row(self._row)
            self._row = []
            element.clear()
        elif name == "table":
            self._tables -= 1
            if not self._tables:
                self._builder.close()

    def _add(self, name: str, element: XmlElement) -> None:
        notes: list[str] = []
        text = _text(element, notes).strip()
        style = attribute(element, "style-name")
        level = attribute(element, "outline-level")
        if self._tables:
            self._cell += [text] if text else []
        elif name == "h" and text:
            self._builder.heading(int(level) if level.isdecimal() and len(level) == 1 else 1, text)
        elif style == "Title" and text:
            self.title = self.title or text
            self._builder.heading(0, text)
        elif self._lists and text:
            self._builder.list_item(text, self._lists - 1, "- " if self._fresh_item else "")
            self._fresh_item = False
        elif text:
            self._builder.paragraph(text)
        for note in notes:
            if self._tables:
                self._cell.append(note)
            else:
                self._builder.paragraph(note)


def _text(element: XmlElement, notes: list[str]) -> str:
    """The element's text; that of its footnotes is appended to `notes`."""
    pieces = [element.text or ""]
    for child in element:
        name = local_name(child)
        if name == "s":
            count = attribute(child, "c")
            pieces.append(" " * (int(count) if count.isdecimal() and len(count) < _LONG_COUNT else 1))
        elif name in _BREAKS:
            pieces.append(_BREAKS[name])
        elif name == "note-body":
            notes.append(_text(child, notes).strip())
        elif name in _PARAGRAPHS:
            pieces += [_text(child, notes), "\n"]
        elif name and name not in _SKIPPED:  # an entity has no name
            pieces.append(_text(child, notes))
        pieces.append(child.tail or "")
    return "".join(pieces)
