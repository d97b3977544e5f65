"""Blocking work in a thread that ends soon once nobody waits for it.

A thread can't be interrupted, and the process ends only after it: what may take long has to look for itself.
"""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

# How often whatever waits looks whether it is still waited for.
LOOK_S = 0.1

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_abandoned: ContextVar[threading.Event | None] = ContextVar("abandoned", default=None)


async def in_thread(
    work: Callable[Parameters, Result], /, *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """As `asyncio.to_thread`; cancelled, it lets `work` end at its next `end_if_abandoned`."""
    abandoned = threading.Event()
    token = _abandoned.set(abandoned)
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    finally:
        abandoned.set()
        _abandoned.reset(token)


def end_if_abandoned() -> None:
    """Raises CancelledError, which no `except Exception` takes for a failure, in a thread that nobody waits for."""
    abandoned = _abandoned.get()
    if abandoned and abandoned.is_set():
        raise asyncio.CancelledError
