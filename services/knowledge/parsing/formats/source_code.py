"""Source code and other files of lines: parts that begin at the margin after a blank line."""

from services.knowledge.parsing.builder import DocumentBuilder, clean
from services.knowledge.parsing.charsets import decode
from services.knowledge.parsing.document import ParsedDocument, ParseLimits


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    builder = DocumentBuilder(limits)
    add_code(builder, clean(decode(data)))
    return builder.build(None)


def add_code(builder: DocumentBuilder, text: str) -> None:
    part: list[str] = []
    after_blank = False
    for line in text.split("\n"):
        if after_blank and line[:1].strip() and line[0] not in ")]}":
            builder.code("\n".join(part))
            part = []
        part.append(line)
        after_blank = not line.strip()
    builder.code("\n".join(part))
