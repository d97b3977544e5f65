"""Timings beside their floor, measured in turn in the same run, because machines are noisy."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Timings:
    """Seconds of each call, and of the whole run."""

    label: str
    seconds: tuple[float, ...]
    wall_s: float

    @property
    def median_ms(self) -> float:
        return statistics.median(self.seconds) * 1000

    @property
    def p95_ms(self) -> float:
        return percentile(self.seconds, 95) * 1000

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.wall_s


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


async def in_turn(calls: dict[str, Call], rounds: int) -> list[Timings]:
    """Calls each in turn, `rounds` times, so that what slows the machine slows all of them."""
    seconds: dict[str, list[float]] = {label: [] for label in calls}
    for _ in range(rounds):
        for label, call in calls.items():
            started = time.perf_counter()
            await call()
            seconds[label].append(time.perf_counter() - started)
    return [Timings(label, tuple(values), sum(values)) for label, values in seconds.items()]


async def at_once(label: str, calls: Sequence[Call], clients: int) -> Timings:
    """All calls, `clients` of them at a time."""
    waiting = iter(calls)
    seconds: list[float] = []

    async def client() -> None:
        for call in waiting:
            started = time.perf_counter()
            await call()
            seconds.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return Timings(label, tuple(seconds), time.perf_counter() - started)


def print_latency(console: Console, title: str, floor: Timings, others: Sequence[Timings]) -> None:
    """Medians and 95th percentiles, each also as a multiple of the floor's."""
    table = Table("", "median ms", "p95 ms", "median ×", "p95 ×", title=title, title_justify="left")
    for timings in (floor, *others):
        table.add_row(
            timings.label,
            f"{timings.median_ms:.1f}",
            f"{timings.p95_ms:.1f}",
            f"{timings.median_ms / floor.median_ms:.2f}",
            f"{timings.p95_ms / floor.p95_ms:.2f}",
        )
    console.print(table)


def print_rates(
    console: Console, title: str, floor: Timings, others: Sequence[Timings], items_per_call: int = 1
) -> None:
    """Items a second, each also as a multiple of the floor's."""
    table = Table("", "items/s", "×", "median ms", "p95 ms", title=title, title_justify="left")
    for timings in (floor, *others):
        table.add_row(
            timings.label,
            f"{timings.per_second * items_per_call:.1f}",
            f"{timings.per_second / floor.per_second:.2f}",
            f"{timings.median_ms:.1f}",
            f"{timings.p95_ms:.1f}",
        )
    console.print(table)
