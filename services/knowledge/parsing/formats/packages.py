"""Documents that are a ZIP of XML parts: Office Open XML, OpenDocument, EPUB."""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from services.knowledge.parsing.dates import first_instant
from services.knowledge.parsing.document import FailureCode, ParseFailure, encrypted
from services.knowledge.parsing.formats.xml_events import XmlError, local_name, xml_events

ENCRYPTED_FLAG = 1
_PROPERTIES = frozenset(("docProps/core.xml", "meta.xml"))
# Office's and OpenDocument's words for the last change, then for the first.
_DATES = ("modified", "date", "created", "creation-date")
_PROPERTY_NAMES = frozenset(("title", *_DATES))
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


@dataclass(frozen=True, slots=True)
class Properties:
    """`title` isn't one that a template left behind; `date` is that of the last change, else of the first."""

    title: str | None
    date: datetime | None


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


def properties(package: OfficePackage) -> Properties:
    """What the package says of itself, Office's way or OpenDocument's."""
    found: dict[str, str] = {}
    for part in _PROPERTIES & package.names:
        try:
            with package.open(part) as stream:
                for event, element in xml_events(stream):
                    name = local_name(element)
                    if event == "end" and element.text and name in _PROPERTY_NAMES:
                        found.setdefault(name, element.text.strip())
        except (XmlError, zipfile.BadZipFile, zlib.error, EOFError):
            continue
    title = found.get("title") or None
    if title and _TEMPLATE_TITLE.fullmatch(title):
        title = None
    return Properties(title, first_instant(map(found.get, _DATES)))
