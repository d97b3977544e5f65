"""Where a page of a list ended, as its reader hands it back."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from libs.contracts.errors import FootnoteError, invalid

# Every number of so many digits is a bigint.
POSITION_DIGITS = 18
# What reading a cursor that isn't ours may raise.
STRANGE = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)


def cursor_of(*parts: Any) -> str:
    """The last two are a time in ISO 8601 and an id."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def parts_of(cursor: str, count: int) -> list[Any]:
    """What `cursor_of` was given, the last two as time and id. Raises 422 for anything else."""
    try:
        *others, moment, row_id = json.loads(base64.urlsafe_b64decode(cursor))
        parts = [*others, datetime.fromisoformat(moment).astimezone(UTC), UUID(row_id)]
    except STRANGE as error:
        raise _unknown() from error
    if len(parts) != count:
        raise _unknown()
    return parts


def message_place(cursor: str) -> int:
    """A message's position. Raises 422 for what can't be one."""
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= POSITION_DIGITS):
        raise _unknown()
    return int(cursor)


def _unknown() -> FootnoteError:
    return invalid("cursor", "isn't a cursor of ours; start again without one")
