"""EPUB: the book's chapters in reading order, each read as the web page that it is."""

import posixpath
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.charsets import decode
from services.knowledge.parsing.dates import first_instant
from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits, encrypted
from services.knowledge.parsing.formats.html import add_fragment
from services.knowledge.parsing.formats.packages import OfficePackage, open_package, part_name
from services.knowledge.parsing.formats.xml_events import attribute, local_name, xml_events

_CORRUPT = "The file isn't a readable EPUB: it is damaged or incomplete."
_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html")
_MOST_CHAPTER_BYTES = 64 * 1024 * 1024
# A web page's parser takes these for opening tags, and would swallow what follows.
_SELF_CLOSED = re.compile(r"<(title|script|style|textarea|iframe|a|b|i|p|div|span|td|th|li)\b([^<>]*)/>", re.IGNORECASE)


@dataclass(slots=True)
class _Book:
    title: str | None = None
    published: str | None = None
    changed: str | None = None
    pages: dict[str, str] = field(default_factory=dict[str, str])
    contents: set[str] = field(default_factory=set[str])
    spine: list[str] = field(default_factory=list[str])


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    with open_package(data, _CORRUPT) as package:
        builder = DocumentBuilder(limits)
        book = _book(package)
        locked = _locked(package)
        for item in book.spine:
            part = book.pages.get(item)
            if part is None or part not in package.names or item in book.contents:
                continue
            if part in locked:
                raise encrypted()
            with package.open(part) as stream:
                content = stream.read(_MOST_CHAPTER_BYTES + 1)
            if len(content) > _MOST_CHAPTER_BYTES:
                raise ParseFailure(FailureCode.TOO_LARGE, "A chapter of the book is too long to be read. Split it.")
            add_fragment(builder, _SELF_CLOSED.sub(r"<\1\2></\1>", decode(content)))
        # What a book says stems from its publication; when its file was made anew says little.
        builder.date = first_instant((book.published, book.changed))
        return builder.build(book.title or builder.first_heading)


def _book(package: OfficePackage) -> _Book:
    """What the book's description says. Raises `KeyError` where there is none."""
    with package.open(_CONTAINER) as stream:
        root = next((attribute(e, "full-path") for _, e in xml_events(stream) if local_name(e) == "rootfile"), "")
    folder, book = posixpath.dirname(root), _Book()
    with package.open(root) as stream:
        for event, element in xml_events(stream):
            name = local_name(element)
            if event == "start":
                continue
            if name == "title" and book.title is None:
                book.title = element.text
            elif name == "date" and book.published is None:
                book.published = element.text
            elif name == "meta" and element.get("property") == "dcterms:modified":
                book.changed = element.text
            elif name == "item" and element.get("media-type") in _PAGES:
                book.pages[element.get("id", "")] = part_name(folder, unquote(element.get("href", "")))
                if "nav" in element.get("properties", "").split():
                    book.contents.add(element.get("id", ""))
            elif name == "itemref":
                book.spine.append(element.get("idref", ""))
    return book


def _locked(package: OfficePackage) -> set[str]:
    """The parts that are encrypted; a book may lock only its fonts."""
    if _ENCRYPTION not in package.names:
        return set()
    with package.open(_ENCRYPTION) as stream:
        return {
            unquote(attribute(element, "URI"))
            for _, element in xml_events(stream)
            if local_name(element) == "CipherReference"
        }
