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
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    XLS = "application/vnd.ms-excel"
    XLSB = "application/vnd.ms-excel.sheet.binary.macroEnabled.12"
    ODT = "application/vnd.oasis.opendocument.text"
    ODS = "application/vnd.oasis.opendocument.spreadsheet"
    ODP = "application/vnd.oasis.opendocument.presentation"
    EPUB = "application/epub+zip"
    RTF = "application/rtf"
    CSV = "text/csv"
    JSON = "application/json"
    EML = "message/rfc822"
    MSG = "application/vnd.ms-outlook"
    SOURCE_CODE = "text/x-source"
    PNG = "image/png"
    JPEG = "image/jpeg"
    TIFF = "image/tiff"
    BMP = "image/bmp"
    GIF = "image/gif"
    WEBP = "image/webp"
    ZIP = "application/zip"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of document. `module` is imported in the sandbox only, and has `parse(data, limits) -> ParsedDocument`."""

    media_type: MediaType
    extensions: tuple[str, ...]
    module: str


# ruff: noqa: SIM905 - a word list is read and compared more easily as words
_SOURCES = tuple(
    """.py .pyi .js .mjs .cjs .jsx .ts .tsx .java .kt .kts .scala .groovy .c .h .cc .cpp .cxx .hpp .hh .m .mm .cs .fs
    .vb .go .rs .rb .php .pl .pm .lua .r .jl .swift .dart .ex .exs .erl .hs .clj .lisp .ml .sql .sh .bash .zsh .fish
    .ps1 .bat .cmd .css .scss .less .vue .svelte .yaml .yml .toml .ini .cfg .conf .properties .env .xml .xsd .xsl .wsdl
    .proto .graphql .tf .hcl .gradle .cmake .mk .tex .rst .adoc .org .diff .patch""".split()
)
FORMATS = (
    Format(MediaType.MARKDOWN, (".md", ".markdown", ".mdown", ".mkd"), "markdown"),
    Format(MediaType.HTML, (".html", ".htm", ".xhtml"), "html"),
    Format(MediaType.PLAIN_TEXT, (".txt", ".text", ".log"), "plain_text"),
    Format(MediaType.PDF, (".pdf",), "pdf"),
    Format(MediaType.DOCX, (".docx", ".docm", ".dotx", ".dotm"), "docx"),
    Format(MediaType.PPTX, (".pptx", ".pptm", ".ppsx", ".ppsm", ".potx"), "pptx"),
    Format(MediaType.XLSX, (".xlsx", ".xlsm", ".xltx", ".xltm"), "spreadsheet"),
    Format(MediaType.XLS, (".xls", ".xlt"), "spreadsheet"),
    Format(MediaType.XLSB, (".xlsb",), "spreadsheet"),
    Format(MediaType.ODT, (".odt", ".ott"), "open_document"),
    Format(MediaType.ODS, (".ods", ".ots"), "spreadsheet"),
    Format(MediaType.ODP, (".odp", ".otp"), "open_document"),
    Format(MediaType.EPUB, (".epub",), "epub"),
    Format(MediaType.RTF, (".rtf",), "rtf"),
    Format(MediaType.CSV, (".csv", ".tsv", ".tab"), "csv_table"),
    Format(MediaType.JSON, (".json", ".jsonl", ".ndjson", ".geojson"), "json_values"),
    Format(MediaType.EML, (".eml",), "eml"),
    Format(MediaType.MSG, (".msg",), "msg"),
    Format(MediaType.SOURCE_CODE, _SOURCES, "source_code"),
    Format(MediaType.PNG, (".png",), "image"),
    Format(MediaType.JPEG, (".jpg", ".jpeg", ".jpe"), "image"),
    Format(MediaType.TIFF, (".tif", ".tiff"), "image"),
    Format(MediaType.BMP, (".bmp",), "image"),
    Format(MediaType.GIF, (".gif",), "image"),
    Format(MediaType.WEBP, (".webp",), "image"),
    Format(MediaType.ZIP, (".zip",), "archive"),
)
# What a person is told when a file is refused.
ACCEPTED = (
    "PDF, DOCX, PPTX, XLSX, XLS, ODT, ODS, ODP, RTF, EPUB, CSV, JSON, HTML, Markdown, plain text, source code, EML, "
    "MSG, PNG, JPEG, TIFF, BMP, GIF, WebP, or a ZIP of these"
)
_BY_EXTENSION = {extension: entry.media_type for entry in FORMATS for extension in entry.extensions}
_TEXTS = frozenset(
    (
        *(MediaType.MARKDOWN, MediaType.HTML, MediaType.PLAIN_TEXT, MediaType.CSV),
        *(MediaType.JSON, MediaType.EML, MediaType.SOURCE_CODE),
    )
)
_OFFICE_XML = frozenset((MediaType.DOCX, MediaType.PPTX, MediaType.XLSX, MediaType.XLSB))
_PACKAGES = _OFFICE_XML | {MediaType.ODT, MediaType.ODS, MediaType.ODP, MediaType.EPUB, MediaType.ZIP}
# Whose name decides between them. An encrypted Office file is packed in the container of older formats and messages.
_SHARED = {
    **dict.fromkeys(_PACKAGES, _PACKAGES),
    MediaType.MSG: _OFFICE_XML | {MediaType.XLS, MediaType.MSG},
    MediaType.RTF: frozenset((MediaType.RTF, MediaType.SOURCE_CODE)),
}
_TEMPLATES = {
    "application/vnd.oasis.opendocument.text-template": MediaType.ODT,
    "application/vnd.oasis.opendocument.spreadsheet-template": MediaType.ODS,
    "application/vnd.oasis.opendocument.presentation-template": MediaType.ODP,
}

ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_RTF = b"{\\rtf"
_PDF_WITHIN = 1024
_HTML_OPENINGS = (b"<!doctype html", b"<html", b"<head", b"<body")
_MAIL_OPENINGS = (b"received:", b"return-path:", b"delivered-to:", b"mime-version:", b"message-id:", b"x-mailer:")
_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", MediaType.PNG),
    (b"\xff\xd8\xff", MediaType.JPEG),
    (b"II*\x00", MediaType.TIFF),
    (b"MM\x00*", MediaType.TIFF),
    (b"GIF87a", MediaType.GIF),
    (b"GIF89a", MediaType.GIF),
)
# What other programs write at the start of their files.
_FOREIGN = (
    b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"OggS", b"ID3", b"fLaC", b"\x1a\x45\xdf\xa3",
    b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"SQLite format 3", b"%!PS", b"\x00asm",
    b"\x28\xb5\x2f\xfd",
)  # fmt: skip


def detect_type(name: str, head: bytes) -> MediaType | None:
    """Returns the type of a file called `name` that begins with `head` (its first `HEAD_BYTES`), or None.

    None means that no parser here reads it. What the content shows for certain counts more than the name. Which of the
    types that share a container it is shows only when the whole is read (`containers.exact_type`), so that until then
    the name decides. A file whose name promises a known type gets that type even when it is empty, damaged or
    encrypted: parsing then says what is wrong. A name without an ending is judged by content.
    """
    extension = _extension(name)
    named = _BY_EXTENSION.get(extension)
    if head.startswith(_FOREIGN) and _is_binary(head):
        return None
    shown = _type_shown(head)
    # A text may quote the mark; a PDF has little before it.
    quoted = shown is MediaType.PDF and named in _TEXTS and not head.lstrip().startswith(b"%PDF-")
    if shown is None or quoted or named in _SHARED.get(shown, ()):
        return named if named or extension else _type_of_text(head)
    if extension and (named is None or shown is MediaType.MSG):
        return None
    return shown


def _extension(name: str) -> str:
    base = name.replace("\\", "/").rpartition("/")[2]
    stem, dot, extension = base.rpartition(".")
    return f".{extension.lower()}" if dot and stem else ""


def _type_shown(head: bytes) -> MediaType | None:
    """The type that the first bytes show for certain; that of a container where several share one."""
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return MediaType.PDF
    if head.startswith(ZIP_MARKS):
        return _type_of_package(head)
    if head.startswith(OLE_MARK):
        return MediaType.MSG
    return MediaType.RTF if head.startswith(_RTF) else _type_of_image(head)


def _type_of_package(head: bytes) -> MediaType:
    for folder, media_type in ((b"word/", MediaType.DOCX), (b"ppt/", MediaType.PPTX), (b"xl/", MediaType.XLSX)):
        if folder in head:
            return media_type
    return MediaType.ZIP


def declared_type(content: bytes) -> MediaType | None:
    """The type that a package's first part, called `mimetype`, declares."""
    declared = content.decode("ascii", "replace").strip()
    if declared in _TEMPLATES:
        return _TEMPLATES[declared]
    known = {MediaType.ODT, MediaType.ODS, MediaType.ODP, MediaType.EPUB}
    return MediaType(declared) if declared in known else None


def _type_of_image(head: bytes) -> MediaType | None:
    for mark, media_type in _IMAGES:
        if head.startswith(mark):
            return media_type
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return MediaType.WEBP
    # The size of a bitmap's header follows its mark, which is a word's beginning as well.
    return MediaType.BMP if head.startswith(b"BM") and head[14:18] in (b"\x28\0\0\0", b"\x7c\0\0\0") else None


def _type_of_text(head: bytes) -> MediaType | None:
    if not head or _is_binary(head):
        return None
    opening = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if opening.startswith(_HTML_OPENINGS):
        return MediaType.HTML
    if opening.startswith(_MAIL_OPENINGS):
        return MediaType.EML
    return MediaType.PLAIN_TEXT


def _is_binary(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    return b"\x00" in head or head.startswith(b"%!PS")
