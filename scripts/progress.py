"""What a person sees while documents are sent and indexed: files, passages, rate and time left."""

import asyncio
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn

from scripts.api import Api, ApiError

POLL_S = 1.0
STALLED_S = 600.0
# Some seconds' worth: the rest would be asked for again and again before its turn.
ASKED_AT_ONCE = 200
UNFINISHED = frozenset({"pending", "processing"})
RATE_SAMPLE_S = 1.0


@dataclass
class Indexed:
    """What indexing came to: `failed` and `warnings` hold (external id, reason)."""

    documents: int = 0
    passages: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    warnings: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


class Bars:
    """The lines on the terminal, one for each kind of work."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._started: dict[TaskID, float] = {}

    def add(self, what: str, total: int) -> TaskID:
        task = self._progress.add_task(what, total=total, note="")
        self._started[task] = time.monotonic()
        return task

    def say(self, line: str) -> None:
        """Above the lines, for good."""
        self._progress.console.print(line, markup=False, highlight=False)

    def show(self, task: TaskID, done: int, passages: int | None = None) -> None:
        seconds = max(time.monotonic() - self._started[task], RATE_SAMPLE_S)
        notes = [] if passages is None else [f"{passages:,} passages"]
        self._progress.update(task, completed=done, note=", ".join([*notes, f"{done / seconds:.1f}/s"]))


@contextmanager
def bars(console: Console) -> Generator[Bars]:
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeLeftColumn(),
        console=console,
    )
    with progress:
        yield Bars(progress)


async def until_indexed(api: Api, documents: dict[str, str], shown: Bars) -> Indexed:
    """Waits until each document (id to external id) is searchable or has failed. Raises ApiError where nothing moves.

    Asks for the longest waiting ones, which are indexed first. A long document moves with each of its parts.
    """
    task = shown.add("indexed", len(documents))
    result = Indexed()
    waiting = dict(documents)
    moved_at, last_seen = time.monotonic(), dict[str, Any]()
    reasons: dict[str, str] = {}
    while waiting:
        asked = list(islice(waiting, ASKED_AT_ONCE))
        states = await _states(api, asked)
        finished = _ended(asked, states)
        for document_id, state in finished.items():
            name = waiting.pop(document_id)
            if state is None:
                result.failed.append((name, "it was deleted meanwhile"))
            elif state["status"] == "failed":
                result.failed.append((name, state["error"]["message"]))
            else:
                result.documents += 1
                result.passages += state["chunk_count"]
                result.warnings += [(name, warning) for warning in state.get("warnings", list[str]())]
        under_way = {one: state["progress"] for one, state in states.items() if state.get("progress")}
        done = sum(progress["done"] for progress in under_way.values())
        shown.show(task, len(documents) - len(waiting), result.passages + done)
        _say_reasons(states, waiting, reasons, shown)
        if finished or under_way != last_seen:
            moved_at, last_seen = time.monotonic(), under_way
        elif time.monotonic() - moved_at > STALLED_S:
            told = "".join(f" {reason}" for reason in reasons.values())
            raise ApiError(
                f"{len(waiting)} documents have been waiting for {STALLED_S:g} s.{told} Run 'footnote doctor'."
            )
        # A full page that ended leaves the next to be asked for at once.
        if waiting and len(finished) < len(asked):
            await asyncio.sleep(POLL_S)
    return result


def _say_reasons(
    states: Mapping[str, Mapping[str, Any]], names: Mapping[str, str], reasons: dict[str, str], shown: Bars
) -> None:
    """What documents wait for, each reason when it is first met; `reasons` has the messages by code."""
    for document_id, state in states.items():
        held_up = state.get("waiting")
        if held_up and document_id in names and held_up["code"] not in reasons:
            reasons[held_up["code"]] = held_up["message"]
            again = ""
            if held_up["until"]:
                at = datetime.fromisoformat(held_up["until"]).astimezone()
                again = f" It is tried again at {at:%H:%M:%S}."
            shown.say(f"  waiting: {names[document_id]}: {held_up['message']}{again}")


def print_failures(failed: Iterable[tuple[str, str]], console: Console) -> None:
    for name, reason in failed:
        console.print(f"  failed: {name}: {reason}", markup=False, highlight=False)


def print_warnings(warnings: Iterable[tuple[str, str]], console: Console) -> None:
    for name, warning in warnings:
        console.print(f"  in part: {name}: {warning}", markup=False, highlight=False)


async def _states(api: Api, document_ids: list[str]) -> dict[str, dict[str, Any]]:
    answer = await api.call("POST", "/documents/states", json={"document_ids": document_ids})
    return {item["document_id"]: item for item in answer["items"]}


def _ended(asked: list[str], states: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any] | None]:
    return {
        document_id: states.get(document_id)
        for document_id in asked
        if document_id not in states or states[document_id]["status"] not in UNFINISHED
    }
