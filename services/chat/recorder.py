"""The trace of one answer while it is made."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


class TraceRecorder:
    """Steps in the order in which they began; each with its name, its time and what it found."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self._began = time.perf_counter()

    def at_ms(self) -> float:
        """Since the answer began."""
        return round((time.perf_counter() - self._began) * 1000, 2)

    @contextmanager
    def step(self, name: str) -> Generator[dict[str, Any]]:
        """A step's record, to be filled while it runs; its time is taken however it ends."""
        record: dict[str, Any] = {"step": name}
        self.steps.append(record)
        started = time.perf_counter()
        try:
            yield record
        finally:
            record["ms"] = round((time.perf_counter() - started) * 1000, 2)

    def add(self, name: str, **found: Any) -> None:
        self.steps.append({**found, "step": name})
