"""What travels with a request from service to service."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal, get_args
from uuid import uuid4

Lane = Literal["query", "ingest"]
LANES: tuple[Lane, ...] = get_args(Lane)


@dataclass(frozen=True)
class RequestContext:
    """`authorization` is the user's own header, None for work without a user; `deadline` is on the monotonic clock."""

    request_id: str = field(default_factory=lambda: str(uuid4()))
    authorization: str | None = None
    deadline: float | None = None
    lane: Lane = "query"

    def remaining_s(self) -> float | None:
        """Seconds left, at least 0, or None without a deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())


_current: ContextVar[RequestContext | None] = ContextVar("footnote_request_context", default=None)


def current_context() -> RequestContext:
    """The request being served, or a fresh context for work that no request started."""
    return _current.get() or RequestContext()


@contextmanager
def use_context(context: RequestContext) -> Generator[RequestContext]:
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
