"""Stops asking a model that keeps failing, and tries it again after a while with one request alone."""

from collections.abc import Callable
from typing import Literal

FAILURES = 5
OPEN_S = 10.0

State = Literal["closed", "open", "half-open"]


class CircuitBreaker:
    """Counts failures in a row. Open, it lets nobody through for `open_s`; then one at a time, until one succeeds.

    An answer takes minutes and may end in many ways, so its outcome is told, not guessed from an exception: one that
    its reader left says nothing about the model.
    """

    def __init__(self, clock: Callable[[], float], failures: int = FAILURES, open_s: float = OPEN_S) -> None:
        self._clock = clock
        self._limit = failures
        self._open_s = open_s
        self._failures = 0
        self._opened_at = 0.0
        self._probing = False

    @property
    def state(self) -> State:
        if self._failures < self._limit:
            return "closed"
        return "open" if self._clock() - self._opened_at < self._open_s else "half-open"

    @property
    def retry_after_s(self) -> float:
        """Until somebody may be let through; 0 where somebody may now."""
        return max(0.0, self._opened_at + self._open_s - self._clock()) if self._failures >= self._limit else 0.0

    def admits(self) -> bool:
        """Whether a request may go through; one that does must tell its end: succeeded, failed or abandoned."""
        if self.state == "closed":
            return True
        if self.state == "open" or self._probing:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        self._probing = False
        self._failures = 0

    def failed(self) -> None:
        self._probing = False
        self._failures = min(self._failures + 1, self._limit)
        if self._failures == self._limit:
            self._opened_at = self._clock()

    def abandoned(self) -> None:
        self._probing = False
