"""Plain text: paragraphs are what blank lines separate."""

from services.knowledge.parsing.builder import DocumentBuilder, clean
from services.knowledge.parsing.charsets import decode
from services.knowledge.parsing.document import ParsedDocument, ParseLimits


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    builder = DocumentBuilder(limits)
    paragraph: list[str] = []
    for line in [*clean(decode(data)).split("\n"), ""]:
        if line and not line.isspace():
            paragraph.append(line.rstrip())
        elif paragraph:
            builder.paragraph("\n".join(paragraph))
            paragraph.clear()
    return builder.build(None)
