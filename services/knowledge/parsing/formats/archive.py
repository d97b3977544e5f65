"""ZIP: each file in it is a section. What is packed too deep or too much is refused before anything of it is read."""

import io
import zipfile
import zlib

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits, encrypted
from services.knowledge.parsing.formats.members import Members, nested_too_deep, unpacks_to_too_much
from services.knowledge.parsing.formats.packages import ENCRYPTED_FLAG
from services.knowledge.parsing.media_types import MediaType, detect_type

_CORRUPT = "The file isn't a readable ZIP archive: it is damaged or incomplete."
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError)
# What operating systems and programs leave in archives.
_FURNITURE = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    _Survey(limits).visit(data, limits.nesting)
    builder = DocumentBuilder(limits)
    members = Members(builder, limits)
    with _opened(data) as archive:
        for entry in _files(archive):
            try:
                members.add(entry.filename, _content(archive, entry))
            except ParseFailure as failure:
                if failure.code not in (FailureCode.ENCRYPTED, FailureCode.CORRUPT):
                    raise
                members.leave_out(entry.filename, failure)
    members.require_some()
    return builder.build(None)


class _Survey:
    """Adds up what the archive and those within it declare. Reading an entry never yields more than it declares."""

    def __init__(self, limits: ParseLimits) -> None:
        self._limits = limits
        self._entries = 0
        self._bytes = 0

    def visit(self, data: bytes, nesting: int) -> None:
        """Raises `ParseFailure` (`too_large`) when that is too much, `corrupt` when `data` is no archive."""
        if not nesting:
            raise nested_too_deep()
        with _opened(data) as archive:
            entries = archive.infolist()
            self._entries += len(entries)
            self._bytes += sum(entry.file_size for entry in entries)
            if self._entries > self._limits.members:
                message = f"The archive holds more than {self._limits.members:,} files. Split it and try again."
                raise ParseFailure(FailureCode.TOO_LARGE, message)
            if self._bytes > self._limits.unpacked_bytes:
                raise unpacks_to_too_much(self._limits)
            for entry in entries:
                if detect_type(entry.filename, b"") is MediaType.ZIP:
                    self._visit_inner(archive, entry, nesting - 1)

    def _visit_inner(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, nesting: int) -> None:
        try:
            self.visit(_content(archive, entry), nesting)
        except ParseFailure as failure:
            if failure.code is FailureCode.TOO_LARGE:
                raise


def _opened(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGED as error:
        raise ParseFailure(FailureCode.CORRUPT, _CORRUPT) from error


def _files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [entry for entry in archive.infolist() if not entry.is_dir() and not _is_furniture(entry.filename)]


def _is_furniture(name: str) -> bool:
    return name.startswith(_FURNITURE) or name.endswith(_FURNITURE)


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.flag_bits & ENCRYPTED_FLAG:
        raise encrypted()
    try:
        return archive.read(entry)
    except (*_DAMAGED, RuntimeError) as error:
        raise ParseFailure(FailureCode.CORRUPT, "The file within the archive is damaged.") from error
