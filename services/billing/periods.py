"""The spans of time in which usage is counted, in UTC."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Period:
    """From `start`, which belongs to it, to `end`, which belongs to the next one."""

    start: datetime
    end: datetime

    @property
    def key(self) -> date:
        """The day it starts on, by which the ledger names it."""
        return self.start.date()


def month_of(instant: datetime) -> Period:
    start = _midnight(instant).replace(day=1)
    # Day 28 exists in every month and is at most 3 days from its end.
    return Period(start, (start.replace(day=28) + timedelta(days=4)).replace(day=1))


def day_of(instant: datetime) -> Period:
    start = _midnight(instant)
    return Period(start, start + timedelta(days=1))


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
