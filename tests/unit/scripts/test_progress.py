"""How long the command line waits for documents that are being indexed."""

import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from rich.console import Console

from scripts import progress
from scripts.api import Api, ApiError
from scripts.progress import Indexed, bars, until_indexed

PATIENCE = progress.STALLED_S


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The seconds that it shows; each wait between two questions takes most of the patience."""
    now = [0.0]

    async def sleep(_seconds: float) -> None:
        now[0] += PATIENCE * 0.9

    with monkeypatch.context() as patch:
        patch.setattr(progress.asyncio, "sleep", sleep)
        patch.setattr(progress.time, "monotonic", lambda: now[0])
        yield now


async def waited(states: Iterable[dict[str, Any]], terminal: io.StringIO | None = None) -> Indexed:
    """What comes of one document of which the server says these, one after another."""
    answers = iter(states)

    def answer(request: httpx.Request) -> httpx.Response:
        assert json.loads(request.content) == {"document_ids": ["one"]}
        return httpx.Response(200, json={"items": [{"document_id": "one", "error": None} | next(answers)]})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://footnote") as http:
        with bars(Console(file=terminal or io.StringIO(), width=200)) as shown:
            return await until_indexed(Api(http), {"one": "one.csv"}, shown)


def processing(done: int) -> dict[str, Any]:
    return {"status": "processing", "chunk_count": 0, "progress": {"done": done, "total": 9_000}}


async def test_a_long_document_whose_passages_become_more_is_waited_for(clock: list[float]):
    done = {"status": "completed", "chunk_count": 9_000, "progress": None}
    result = await waited([*(processing(count) for count in range(0, 9_000, 1_000)), done])
    assert (result.documents, result.passages) == (1, 9_000)
    assert clock[0] > 5 * PATIENCE


async def test_one_that_stays_where_it_is_is_given_up(clock: list[float]):
    with pytest.raises(ApiError, match="have been waiting"):
        await waited([processing(1_000)] * 9)
    assert clock[0] < 3 * PATIENCE


def held_up(until: str | None = None) -> dict[str, Any]:
    waiting = {"code": "disk_full", "message": "The server's disk is full.", "until": until}
    return processing(0) | {"waiting": waiting}


async def test_why_documents_wait_is_said_once(clock: list[float]):
    terminal = io.StringIO()
    done = {"status": "completed", "chunk_count": 1, "progress": None, "waiting": None}
    until = "2026-01-01T12:03:20+00:00"
    await waited([held_up(until), processing(1) | {"waiting": None}, held_up(), done], terminal)
    at = datetime.fromisoformat(until).astimezone()
    line = f"waiting: one.csv: The server's disk is full. It is tried again at {at:%H:%M:%S}."
    assert terminal.getvalue().count("waiting:") == terminal.getvalue().count(line) == 1


async def test_what_documents_waited_for_too_long_is_in_the_error(clock: list[float]):
    with pytest.raises(ApiError, match=r"for 600 s\. The server's disk is full\. Run"):
        await waited([held_up()] * 9)
