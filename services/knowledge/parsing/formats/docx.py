"""DOCX (Office Open XML): headings by outline level, lists, tables, text boxes, tracked insertions and footnotes."""

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.document import ParsedDocument, ParseLimits
from services.knowledge.parsing.formats.docx_body import BodyReader
from services.knowledge.parsing.formats.docx_styles import read_styles
from services.knowledge.parsing.formats.packages import OfficePackage, open_package, properties

_CORRUPT = "The file isn't a readable Word document: it is damaged or incomplete."


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    with open_package(data, _CORRUPT) as package:
        return _read(package, limits)


def _read(package: OfficePackage, limits: ParseLimits) -> ParsedDocument:
    builder = DocumentBuilder(limits)
    styles_part = package.related("styles")
    styles = {}
    if styles_part:
        with package.open(styles_part) as stream:
            styles = read_styles(stream)
    body = BodyReader(builder, styles)
    with package.open(package.main) as stream:
        body.read(stream)
    for kind in ("footnotes", "endnotes"):
        notes = package.related(kind)
        if notes:
            with package.open(notes) as stream:
                BodyReader(builder, styles).read(stream)
    said = properties(package)
    builder.date = said.date
    return builder.build(body.title or said.title or builder.first_heading)
