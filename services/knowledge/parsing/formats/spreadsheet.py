"""Workbooks (XLSX, XLSB, XLS, ODS): a section for each sheet, a table for each run of rows; sheets count as pages.

The only file that knows python-calamine.
"""

import datetime as dt
import io
import zipfile
import zlib
from collections.abc import Iterator

import python_calamine

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits, encrypted
from services.knowledge.parsing.formats.packages import open_package, properties
from services.knowledge.parsing.media_types import ZIP_MARKS

Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta
_MANIFEST = "META-INF/manifest.xml"
_CORRUPT = "The file isn't a readable workbook: it is damaged or incomplete."
_WHOLE_BELOW = 1e15


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    if data.startswith(ZIP_MARKS):
        _check_package(data, limits)
    builder = DocumentBuilder(limits)
    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        for number, name in enumerate(workbook.sheet_names, start=1):
            builder.page = number
            _add_sheet(builder, name, workbook)
    except python_calamine.PasswordError as error:
        raise encrypted() from error
    except python_calamine.CalamineError as error:
        raise ParseFailure(FailureCode.CORRUPT, _CORRUPT) from error
    builder.date = _date(data) if data.startswith(ZIP_MARKS) else None
    return builder.build(None)


def _date(data: bytes) -> dt.datetime | None:
    try:
        with open_package(data, _CORRUPT) as package:
            return properties(package).date
    except ParseFailure:
        return None  # calamine could read the rest


def _add_sheet(builder: DocumentBuilder, name: str, workbook: python_calamine.CalamineWorkbook) -> None:
    try:
        sheet = workbook.get_sheet_by_name(name)
    except python_calamine.WorksheetNotFound:
        return  # a chart on a sheet of its own
    if sheet.height == 0:
        return
    builder.heading(1, name)
    for row in _rows(sheet):
        if any(row):
            builder.table_row(row)
        else:
            builder.close()
    builder.close()


def _rows(sheet: python_calamine.CalamineSheet) -> Iterator[list[str]]:
    for row in sheet.iter_rows():
        yield [_shown(cell) for cell in row]


def _shown(cell: Cell) -> str:
    """A cell as a person reads it: 5 for 5.0, a date without the midnight that it is stored with."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _WHOLE_BELOW else repr(cell)
    if isinstance(cell, dt.datetime):
        midnight = cell.time() == dt.time()
        return cell.date().isoformat() if midnight else cell.isoformat(" ", "seconds")
    return str(cell)


def _check_package(data: bytes, limits: ParseLimits) -> None:
    """Refuses what unpacks to too much, before native code does, and what is encrypted."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            unpacked = sum(part.file_size for part in package.infolist() if part.filename.endswith((".xml", ".bin")))
            if _MANIFEST in package.namelist() and b"encryption-data" in package.read(_MANIFEST):
                raise encrypted()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise ParseFailure(FailureCode.CORRUPT, _CORRUPT) from error
    except RuntimeError as error:
        raise encrypted() from error
    if unpacked > limits.unpacked_bytes:
        message = f"The workbook unpacks to more than {limits.unpacked_bytes // 2**20:,} MB. Split it and try again."
        raise ParseFailure(FailureCode.TOO_LARGE, message)
