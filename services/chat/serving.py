"""Waits for an answer whose client may leave."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Request

from libs.contracts.chat import ChatResponse
from services.chat.run import AnswerRun

CLIENT_LEFT = 499

Result = TypeVar("Result")


class ClientLeftError(Exception):
    pass


async def unless_left(request: Request, work: Awaitable[Result]) -> Result:
    """The work's result; raises ClientLeftError where the client closes its connection first."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientLeftError
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def complete(run: AnswerRun) -> ChatResponse:
    """The last of the run's events."""
    while True:
        event = await run.event()
        if isinstance(event, ChatResponse):
            return event


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
