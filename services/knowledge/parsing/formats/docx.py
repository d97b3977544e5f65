"""DOCX (Office Open XML): headings by outline level, lists, tables, text boxes, tracked insertions and footnotes."""

import io
import posixpath
import re
import zipfile
from typing import IO

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits, encrypted
from services.knowledge.parsing.formats.docx_body import BodyReader
from services.knowledge.parsing.formats.docx_styles import read_styles
from services.knowledge.parsing.formats.xml_events import XmlError, local_name, xml_events

# An encrypted Office file is an OLE container with a stream of this name instead of a ZIP.
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_ENCRYPTED_FLAG = 1
_CORRUPT = "The file isn't a readable Word document: it is damaged or incomplete."
_TEMPLATE_TITLE = re.compile(r"(?:microsoft word\b.*|word document|document ?\d*|untitled)", re.IGNORECASE)


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    if data.startswith(_OLE):
        if _ENCRYPTED_STREAM in data:
            raise encrypted()
        message = "This is an old Word document (.doc). Save it as .docx and try again."
        raise ParseFailure(FailureCode.UNSUPPORTED, message)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return _read(_Package(package), limits)
    except (zipfile.BadZipFile, XmlError, KeyError, EOFError, NotImplementedError, ValueError) as error:
        raise ParseFailure(FailureCode.CORRUPT, _CORRUPT) from error


class _Package:
    """The parts of the ZIP. A part is read as a stream: what it unpacks to may be far larger than the file."""

    def __init__(self, package: zipfile.ZipFile) -> None:
        self._package = package
        if any(part.flag_bits & _ENCRYPTED_FLAG for part in package.infolist()):
            raise encrypted()
        self.main = next((target for kind, target in self._relationships("") if kind == "officeDocument"), "")

    def open(self, name: str) -> IO[bytes]:
        return self._package.open(name)

    def related(self, kind: str) -> str | None:
        """The name of the part that the main one refers to as `kind`, if it is there."""
        for found, target in self._relationships(self.main):
            if found == kind and target in self._package.namelist():
                return target
        return None

    def _relationships(self, source: str) -> list[tuple[str, str]]:
        folder, name = posixpath.split(source)
        part = posixpath.join(folder, "_rels", f"{name}.rels")
        if part not in self._package.namelist():
            return []
        with self.open(part) as stream:
            return [
                (
                    element.get("Type", "").rpartition("/")[2],
                    posixpath.normpath(posixpath.join("/", folder, element.get("Target", ""))).lstrip("/"),
                )
                for event, element in xml_events(stream)
                if event == "end" and local_name(element) == "Relationship" and element.get("TargetMode") != "External"
            ]


def _read(package: _Package, limits: ParseLimits) -> ParsedDocument:
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
    return builder.build(body.title or _core_title(package) or builder.first_heading)


def _core_title(package: _Package) -> str | None:
    """The title in the file's properties, where it isn't one that a template left behind."""
    try:
        with package.open("docProps/core.xml") as stream:
            for event, element in xml_events(stream):
                if event == "end" and local_name(element) == "title" and element.text:
                    title = element.text.strip()
                    return None if _TEMPLATE_TITLE.fullmatch(title) else title
    except (KeyError, XmlError):
        pass
    return None
