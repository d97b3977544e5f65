"""Documents that are a ZIP of XML parts: Office Open XML, OpenDocument, EPUB."""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from services.knowledge.parsing.document import FailureCode, ParseFailure, encrypted
from services.knowledge.parsing.formats.xml_events import XmlError, local_name, xml_events

ENCRYPTED_FLAG = 1
_TEMPLATE_TITLE = re.compile(
    r"(?:microsoft (?:word|powerpoint)\b.*|powerpoint[- ]pr.*|word document|document ?\d*|presentation ?\d*|untitled)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Relationship:
    """What a part refers to: `kind` is the last word of the relation's type, `target` the other part's name."""

    id: str
    kind: str
    target: str


class OfficePackage:
    """The parts of the ZIP. A part is read as a stream: what it unpacks to may be far larger than the file."""

    def __init__(self, package: zipfile.ZipFile) -> None:
        self._package = package
        self.names = frozenset(package.namelist())
        if any(part.flag_bits & ENCRYPTED_FLAG for part in package.infolist()):
            raise encrypted()
        self.main = next((found.target for found in self.relationships("") if found.kind == "officeDocument"), "")

    def open(self, name: str) -> IO[bytes]:
        return self._package.open(name)

    def related(self, kind: str, source: str | None = None) -> str | None:
        """The name of the part that `source`, by default the main one, refers to as `kind`, if it is there."""
        for found in self.relationships(self.main if source is None else source):
            if found.kind == kind and found.target in self.names:
                return found.target
        return None

    def relationships(self, source: str) -> list[Relationship]:
        """What `source` refers to within the package."""
        folder, name = posixpath.split(source)
        part = posixpath.join(folder, "_rels", f"{name}.rels")
        if part not in self.names:
            return []
        with self.open(part) as stream:
            return [
                Relationship(
                    element.get("Id", ""),
                    element.get("Type", "").rpartition("/")[2],
                    part_name(folder, element.get("Target", "")),
                )
                for event, element in xml_events(stream)
                if event == "end" and local_name(element) == "Relationship" and element.get("TargetMode") != "External"
            ]


@contextmanager
def open_package(data: bytes, corrupt: str) -> Generator[OfficePackage]:
    """The package, open. What its damage raises becomes `ParseFailure` (`corrupt`) with that message."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            yield OfficePackage(package)
    except (zipfile.BadZipFile, zlib.error, XmlError, KeyError, EOFError, NotImplementedError, ValueError) as error:
        raise ParseFailure(FailureCode.CORRUPT, corrupt) from error


def part_name(folder: str, target: str) -> str:
    """The name of the part that `target` means in a part of `folder`; never one outside the package."""
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")


def core_title(package: OfficePackage) -> str | None:
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
