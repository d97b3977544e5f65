"""From bytes to the parser that reads them. Runs in the child, for a document and for the files within it."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits
from services.knowledge.parsing.media_types import FORMATS, HEAD_BYTES, OLE_MARK, ZIP_MARKS, MediaType, detect_type

_FORMATS_PACKAGE = "services.knowledge.parsing.formats"
_MODULES = {entry.media_type: entry.module for entry in FORMATS}


def parse_document(media_type: MediaType, data: bytes, limits: ParseLimits) -> ParsedDocument:
    """Returns the text of a file that passes for `media_type`. Raises `ParseFailure`, and whatever a parser raises."""
    if not data:
        raise ParseFailure(FailureCode.EMPTY, "The file is empty.")
    if data.startswith((*ZIP_MARKS, OLE_MARK)):
        from services.knowledge.parsing.containers import exact_type  # noqa: PLC0415 - most documents need no container

        media_type = exact_type(media_type, data)
    module = importlib.import_module(f"{_FORMATS_PACKAGE}.{_MODULES[media_type]}")
    document = cast("Callable[[bytes, ParseLimits], ParsedDocument]", module.parse)(data, limits)
    return replace(document, media_type=media_type)


def parse_member(name: str, data: bytes, limits: ParseLimits) -> ParsedDocument:
    """Returns the text of a file within another. Raises `ParseFailure` whatever the parser stumbles over."""
    media_type = detect_type(name, data[:HEAD_BYTES])
    if media_type is None:
        raise ParseFailure(FailureCode.UNSUPPORTED, "files of this type can't be read")
    try:
        return parse_document(media_type, data, limits)
    except (ParseFailure, MemoryError):
        raise
    except Exception as error:
        message = f"The document can't be read: it confuses the parser ({type(error).__name__})."
        raise ParseFailure(FailureCode.CORRUPT, message) from error
