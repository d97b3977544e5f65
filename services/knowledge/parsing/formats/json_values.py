"""JSON and JSON Lines: a list of alike records is a table; everything else is an indented list of names and values."""

import json
from typing import Any, cast

from services.knowledge.parsing.builder import DocumentBuilder, clean
from services.knowledge.parsing.charsets import decode
from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits
from services.knowledge.parsing.formats.source_code import add_code

# A table needs records that share their names; with more columns no row can be read.
_MOST_COLUMNS = 50
_LEAST_FILLED = 0.5
_TITLES = ("title", "name", "$id")


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    builder = DocumentBuilder(limits)
    text = decode(data)
    try:
        value = _value(text)
    except (ValueError, RecursionError):
        # Comments, a cut-off end: the text is worth finding all the same.
        builder.warnings.append("The file isn't valid JSON; it was read as text.")
        add_code(builder, clean(text))
        return builder.build(None)
    del text
    title = None
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        title = next((fields[key] for key in _TITLES if isinstance(fields.get(key), str)), None)
    try:
        _add(builder, value, 0)
    except RecursionError as error:
        raise ParseFailure(FailureCode.TOO_LARGE, "The JSON is nested too deep to be read.") from error
    return builder.build(title)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _add(builder: DocumentBuilder, value: Any, depth: int) -> None:
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            _add_named(builder, key, inner, depth)
    elif isinstance(value, list):
        _add_list(builder, cast("list[Any]", value), depth)
    elif depth == 0:
        builder.paragraph(_shown(value))
    else:
        builder.list_item(_shown(value), depth)


def _add_named(builder: DocumentBuilder, name: str, value: Any, depth: int) -> None:
    if isinstance(value, dict | list) and value:
        if isinstance(value, list) and not any(isinstance(inner, dict | list) for inner in cast("list[Any]", value)):
            builder.list_item(f"{name}: {', '.join(map(_shown, cast('list[Any]', value)))}", depth)
            return
        builder.list_item(name, depth)
        _add(builder, value, depth + 1)
    else:
        builder.list_item(f"{name}: {_shown(value)}", depth)


def _add_list(builder: DocumentBuilder, values: list[Any], depth: int) -> None:
    columns = _columns(values)
    if columns:
        builder.close()
        builder.table_row(columns)
        for record in values:
            builder.table_row(_shown(record.get(column)) for column in columns)
        builder.close()
        return
    for number, value in enumerate(values, start=1):
        if isinstance(value, dict | list):
            builder.list_item(f"{number}.", depth, "")
            _add(builder, value, depth + 1)
        else:
            builder.list_item(_shown(value), depth)
        if depth == 0:
            builder.close()


def _columns(values: list[Any]) -> list[str]:
    """The names that the records of a list share; none where it isn't a list of flat, alike records."""
    columns: dict[str, None] = {}
    filled = 0
    for value in values:
        if not isinstance(value, dict):
            return []
        record = cast("dict[str, Any]", value)
        if any(isinstance(inner, dict) or _is_deep(inner) for inner in record.values()):
            return []
        columns.update(dict.fromkeys(record))
        filled += len(record)
        if len(columns) > _MOST_COLUMNS:
            return []
    enough = len(values) > 1 and filled >= _LEAST_FILLED * len(columns) * len(values)
    return list(columns) if enough else []


def _is_deep(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(inner, dict | list) for inner in cast("list[Any]", value))


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_shown, cast("list[Any]", value)))
    return json.dumps(value, ensure_ascii=False)
