"""Which errors say nothing about the document that was being read: tried again, they may well not come back."""

import errno
import re
from asyncio import CancelledError
from enum import StrEnum
from typing import cast

from sqlalchemy.exc import DBAPIError

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.s3.errors import S3Error
from libs.stores.blobs import StoreAwayError

# PostgreSQL's classes of states: connection, rolled back for another, resources, operator's hand, its own disk.
_PASSING_STATES = ("08", "40", "53", "57", "58")
# How LanceDB says what the system answered; without the number, it is a damaged file that it complains of.
_INDEX_IO = re.compile(r"LanceError\(IO\).*\(os error (\d+)\)", re.DOTALL)
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
# What knowledge's own stores are called in errors that callers may read.
_STORES = frozenset({"database", "index"})
_DATABASE_FULL = "53100"


class WaitsFor(StrEnum):
    """What a document that isn't indexed waits for, as its readers are told."""

    FILES = "files_away"
    DISK = "disk_full"
    EMBEDDING = "embedding_away"
    ROOM = "embedding_busy"
    MODEL = "embedding_model"
    STORE = "store_away"
    BILLING = "not_counted"
    TURN = "turn"


def passes(error: BaseException) -> bool:
    """Whether it is the system's: a service or store away, a full disk, a process that is being stopped.

    A text that a service refuses is the document's own fault.
    """
    if isinstance(error, BaseExceptionGroup):
        return all(passes(one) for one in cast("BaseExceptionGroup[BaseException]", error).exceptions)
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        return error.connection_invalidated or state.startswith(_PASSING_STATES)
    if isinstance(error, RuntimeError):
        return _INDEX_IO.search(str(error)) is not None
    if isinstance(error, FootnoteError):
        return error.code is not ErrorCode.VALIDATION_ERROR
    return isinstance(error, CancelledError | OSError | S3Error)


def waits_for(error: BaseException) -> WaitsFor | None:
    """What has to come back first, of an error that `passes`; None for a process that is being stopped."""
    if isinstance(error, BaseExceptionGroup):
        reasons = (waits_for(one) for one in cast("BaseExceptionGroup[BaseException]", error).exceptions)
        return next((reason for reason in reasons if reason), None)
    if isinstance(error, CancelledError):
        return None
    if isinstance(error, StoreAwayError):
        return WaitsFor.FILES
    if isinstance(error, FootnoteError) and error.details.get("service") not in _STORES:
        return WaitsFor.ROOM if error.code is ErrorCode.OVERLOADED else WaitsFor.EMBEDDING
    return WaitsFor.DISK if _is_full(error) else WaitsFor.STORE


def _is_full(error: BaseException) -> bool:
    if isinstance(error, DBAPIError):
        return getattr(error.orig, "sqlstate", None) == _DATABASE_FULL
    found = _INDEX_IO.search(str(error))
    return (int(found[1]) if found else getattr(error, "errno", None)) in _NO_ROOM
