"""Which of the types that share a container a file is. Runs in the child: it opens the container."""

import io
import zipfile

import olefile  # pyright: ignore[reportMissingTypeStubs] - it has none

from services.knowledge.parsing.document import FailureCode, ParseFailure, encrypted
from services.knowledge.parsing.media_types import OLE_MARK, ZIP_MARKS, MediaType, declared_type

_OFFICE_FOLDERS = (("word/", MediaType.DOCX), ("ppt/", MediaType.PPTX), ("xl/", MediaType.XLSX))
_OLD_OFFICE = {
    "WordDocument": ("Word document (.doc)", ".docx"),
    "PowerPoint Document": ("presentation (.ppt)", ".pptx"),
}
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_MIME_PART = "mimetype"
_LONGEST_TYPE = 100


def exact_type(media_type: MediaType, data: bytes) -> MediaType:
    """Returns the type that the content shows, where it shows one, else `media_type`.

    Raises `ParseFailure` (`encrypted`, `unsupported`, `corrupt`) when the container tells that much.
    """
    if data.startswith(ZIP_MARKS):
        return _type_of_package(data) or media_type
    if data.startswith(OLE_MARK):
        return _type_of_compound(data)
    return media_type


def _type_of_package(data: bytes) -> MediaType | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = package.namelist()
            if _MIME_PART in names and package.getinfo(_MIME_PART).file_size <= _LONGEST_TYPE:
                declared = declared_type(package.read(_MIME_PART))
                if declared:
                    return declared
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError, OSError):
        return None  # the parser says what is wrong with it
    if "[Content_Types].xml" not in names:
        return MediaType.ZIP
    if "xl/workbook.bin" in names:
        return MediaType.XLSB
    return next((kind for folder, kind in _OFFICE_FOLDERS if any(name.startswith(folder) for name in names)), None)


def _type_of_compound(data: bytes) -> MediaType:
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as compound:  # pyright: ignore[reportUnknownVariableType] - untyped
            streams = {path[0] for path in compound.listdir()}  # pyright: ignore[reportUnknownVariableType] - untyped
    except (OSError, ValueError, IndexError, TypeError) as error:
        if _ENCRYPTED_STREAM in data:
            raise encrypted() from error
        raise ParseFailure(FailureCode.CORRUPT, "The file is damaged or incomplete.") from error
    if "EncryptedPackage" in streams:
        raise encrypted()
    if "__properties_version1.0" in streams:
        return MediaType.MSG
    if streams & {"Workbook", "Book"}:
        return MediaType.XLS
    for stream, (what, better) in _OLD_OFFICE.items():
        if stream in streams:
            raise ParseFailure(FailureCode.UNSUPPORTED, f"This is an old {what}. Save it as {better} and try again.")
    raise ParseFailure(FailureCode.UNSUPPORTED, "Files of this type can't be read. Save it as PDF and try again.")
