"""Which kind of document a file is, told from its name and first bytes. Imports no parser: the API process uses it."""

from dataclasses import dataclass
from enum import StrEnum

HEAD_BYTES = 4096


class MediaType(StrEnum):
    MARKDOWN = "text/markdown"
    HTML = "text/html"
    PLAIN_TEXT = "text/plain"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of document. `module` is imported in the sandbox only, and has `parse(data, limits) -> ParsedDocument`."""

    media_type: MediaType
    extensions: tuple[str, ...]
    module: str


FORMATS = (
    Format(MediaType.MARKDOWN, (".md", ".markdown", ".mdown", ".mkd"), "markdown"),
    Format(MediaType.HTML, (".html", ".htm", ".xhtml"), "html"),
    Format(MediaType.PLAIN_TEXT, (".txt", ".text", ".log"), "plain_text"),
    Format(MediaType.PDF, (".pdf",), "pdf"),
    Format(MediaType.DOCX, (".docx",), "docx"),
)
_BY_EXTENSION = {extension: entry.media_type for entry in FORMATS for extension in entry.extensions}
_TEXTS = frozenset((MediaType.MARKDOWN, MediaType.HTML, MediaType.PLAIN_TEXT))

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF_WITHIN = 1024
_HTML_OPENINGS = (b"<!doctype html", b"<html", b"<head", b"<body")
# What other programs write at the start of their files.
_FOREIGN = (
    b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF",
    b"II*\x00", b"MM\x00*", b"OggS", b"ID3", b"fLaC", b"\x1a\x45\xdf\xa3", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c", b"Rar!", b"SQLite format 3", b"{\\rtf", b"%!PS", b"\x00asm", b"\x28\xb5\x2f\xfd",
)  # fmt: skip


def detect_type(name: str, head: bytes) -> MediaType | None:
    """Returns the type of a file called `name` that begins with `head` (its first `HEAD_BYTES`), or None.

    None means that no parser here reads it. A file whose name promises a known type gets that type even when it is
    empty, damaged or encrypted: parsing then says what is wrong. A name without an ending is judged by content.
    """
    extension = _extension(name)
    named = _BY_EXTENSION.get(extension)
    if b"%PDF-" in head[:_PDF_WITHIN]:
        # A text may quote the mark; a PDF has little before it.
        return named if named in _TEXTS and not head.lstrip().startswith(b"%PDF-") else MediaType.PDF
    if head.startswith(_ZIP):
        return MediaType.DOCX if named is MediaType.DOCX or (not extension and b"word/" in head) else None
    if head.startswith(_OLE):  # what an encrypted DOCX is packed in
        return named if named is MediaType.DOCX else None
    if head.startswith(_FOREIGN) and _is_binary(head):
        return None
    if named or extension:
        return named
    return _type_of_text(head)


def _extension(name: str) -> str:
    base = name.replace("\\", "/").rpartition("/")[2]
    stem, dot, extension = base.rpartition(".")
    return f".{extension.lower()}" if dot and stem else ""


def _type_of_text(head: bytes) -> MediaType | None:
    if not head or _is_binary(head):
        return None
    opening = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return MediaType.HTML if opening.startswith(_HTML_OPENINGS) else MediaType.PLAIN_TEXT


def _is_binary(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    return b"\x00" in head or head.startswith((b"{\\rtf", b"%!PS"))
