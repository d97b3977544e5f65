"""Work that stops when its client goes away or its deadline passes."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from libs.clients.context import current_context
from libs.contracts.errors import ErrorCode, FootnoteError, deadline_exceeded

CLIENT_CLOSED = 499  # nginx's status for it, seen by the logs alone

Result = TypeVar("Result")


async def while_connected(request: Request, service: str, work: Coroutine[Any, Any, Result]) -> Result:
    """The work's result. Cancels it where the client disconnects; raises 504 past the request's deadline.

    The request's body must have been read: what comes after it is the client's leaving.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        done, _ = await asyncio.wait(
            [working, leaving], timeout=current_context().remaining_s(), return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            raise deadline_exceeded(service)
        if working not in done:
            raise FootnoteError(ErrorCode.REQUEST_TIMEOUT, "The client closed the connection.", CLIENT_CLOSED)
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
