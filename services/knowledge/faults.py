"""Which errors say nothing about the document that was being read: tried again, they may well not come back."""

import re
from asyncio import CancelledError
from typing import cast

from sqlalchemy.exc import DBAPIError

from libs.contracts.errors import FootnoteError
from libs.s3.errors import S3Error

# PostgreSQL's classes of states: connection, rolled back for another, resources, operator's hand, its own disk.
_PASSING_STATES = ("08", "40", "53", "57", "58")
# How LanceDB says what the system answered; without the number, it is a damaged file that it complains of.
_INDEX_IO = re.compile(r"LanceError\(IO\).*\(os error \d+\)", re.DOTALL)


def passes(error: BaseException) -> bool:
    """Whether it is the system's: a service or store away, a full disk, a process that is being stopped."""
    if isinstance(error, BaseExceptionGroup):
        return all(passes(one) for one in cast("BaseExceptionGroup[BaseException]", error).exceptions)
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        return error.connection_invalidated or state.startswith(_PASSING_STATES)
    if isinstance(error, RuntimeError):
        return _INDEX_IO.search(str(error)) is not None
    return isinstance(error, FootnoteError | CancelledError | OSError | S3Error)
