"""A whole glossary as it is sent: JSON, or the CSV that a spreadsheet saves."""

import csv
import io
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import Request

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.glossary import ENTRIES_MAX, GlossaryReplacement
from services.knowledge.forms import read_json

CSV_MAX_BYTES = 4_000_000
COLUMNS = ("term", "means", "note")
# Between the ways to say a term, in one cell.
SEPARATOR = ";"


async def read_replacement(request: Request) -> GlossaryReplacement:
    """Raises 413, 415, and 422 naming the entry (from 0) and its field."""
    if not request.headers.get("content-type", "").lower().startswith("text/csv"):
        return await read_json(request, GlossaryReplacement)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > CSV_MAX_BYTES:
            message = f"The CSV is larger than {CSV_MAX_BYTES:,} bytes."
            raise FootnoteError(ErrorCode.PAYLOAD_TOO_LARGE, message, 413, {"max_bytes": CSV_MAX_BYTES})
    try:
        return GlossaryReplacement.model_validate({"entries": entries_of_csv(bytes(body))})
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from error


def entries_of_csv(body: bytes) -> list[dict[str, Any]]:
    """The rows as entries, not yet checked. Raises 422 where it isn't UTF-8, or no CSV with these columns."""
    try:
        rows = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        named = [name.strip().casefold() for name in rows.fieldnames or ()]
        if not {"term", "means"} <= set(named) <= set(COLUMNS) or len(set(named)) < len(named):
            raise _invalid(f"the first line names the columns {', '.join(COLUMNS)}")
        rows.fieldnames = named
        entries: list[dict[str, Any]] = []
        for row in rows:
            if None in row or None in row.values():
                raise _invalid(f"line {rows.line_num} has other columns than the first")
            if len(entries) > ENTRIES_MAX:
                break
            entries.append(_entry(row))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _invalid(f"is no CSV in UTF-8: {error}") from error
    return entries


def _entry(row: dict[str, str]) -> dict[str, Any]:
    means = [way.strip() for way in row["means"].split(SEPARATOR)]
    entry: dict[str, Any] = {"term": row["term"], "means": [way for way in means if way]}
    if row.get("note", "").strip():
        entry["note"] = row["note"].strip()
    return entry


def _invalid(message: str) -> FootnoteError:
    return FootnoteError(
        ErrorCode.VALIDATION_ERROR,
        f"The glossary {message}." if message.startswith("is") else f"In a glossary as CSV {message}.",
        422,
        {"fields": [{"field": "body", "message": message}]},
    )
