"""Plain text: paragraphs are what blank lines separate."""

from services.knowledge.parsing.builder import DocumentBuilder, clean
from services.knowledge.parsing.charsets import decode
from services.knowledge.parsing.document import ParsedDocument, ParseLimits


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    builder = DocumentBuilder(limits)
    add_text(builder, decode(data))
    return builder.build(None)


def add_text(builder: DocumentBuilder, text: str) -> None:
    """Adds the paragraphs of a text."""
    paragraph: list[str] = []
    for line in [*clean(text).split("\n"), ""]:
        if line and not line.isspace():
            paragraph.append(line.rstrip())
        elif paragraph:
            builder.paragraph("\n".join(paragraph))
            paragraph.clear()
