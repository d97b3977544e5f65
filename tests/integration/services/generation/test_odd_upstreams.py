"""Upstreams that break the protocol, byte by byte: what comes of the answer."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from services.generation.engines.openai_compatible import OpenAICompatibleEngine
from services.generation.ports import (
    EngineBusyError,
    EngineUnavailableError,
    Finished,
    GenerationRequest,
    Message,
    TextDelta,
)

Answering = Callable[..., AbstractAsyncContextManager[OpenAICompatibleEngine]]

REQUEST = GenerationRequest((Message("user", "Why is the sky blue?"),))
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
CHUNKED = STREAM + b"Transfer-Encoding: chunked\r\n\r\n"


def chunk(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"


def said(content: str | None = None, finish_reason: str | None = None) -> bytes:
    return chunk(choices=[{"index": 0, "delta": {"content": content}, "finish_reason": finish_reason}])


WHOLE = said("Blåa ") + said("himmel.") + said(finish_reason="stop") + b"data: [DONE]\n\n"


@pytest.fixture
def answering() -> Answering:
    """An engine whose upstream writes the pieces, one write each, and then closes, or with `stays` doesn't."""

    @asynccontextmanager
    async def serve(*pieces: bytes, stays: bool = False, **options: Any) -> AsyncIterator[OpenAICompatibleEngine]:
        leaving = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            try:
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if stays:
                    await leaving.wait()
            except ConnectionError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        common = {"model_id": "tiny", "api_key": "", "context_tokens": 4096, "max_in_flight": 4}
        engine = OpenAICompatibleEngine(f"http://127.0.0.1:{port}/v1", **{**common, **options})
        try:
            yield engine
        finally:
            leaving.set()
            await engine.close()
            server.close()

    return serve


async def answer(engine: OpenAICompatibleEngine) -> tuple[str, Finished]:
    *deltas, finished = [event async for event in engine.generate(REQUEST)]
    assert isinstance(finished, Finished)
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)), finished


def single_bytes(content: bytes) -> list[bytes]:
    return [content[at : at + 1] for at in range(len(content))]


@pytest.mark.parametrize(
    "pieces",
    [
        [STREAM, b"\r\n", *single_bytes(WHOLE)],
        [*single_bytes(STREAM), b"\r\n", WHOLE],
        [STREAM + b"\r\n" + b": ping\n\n" * 1000 + WHOLE.replace(b"\n", b"\r\n")],
        [STREAM + b"\r\n\xef\xbb\xbf" + WHOLE],
        [STREAM.replace(b"event-stream", b"event-stream; charset=latin-1") + b"\r\n" + WHOLE],
        [STREAM + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(WHOLE)],
        [STREAM + b"\r\nevent: message\nid: 7\nretry: 10\n" + WHOLE],
        [STREAM + b"\r\n" + chunk(choices=None) + chunk(choices=[{"delta": None}]) + chunk(usage={}) + WHOLE],
        [STREAM + b"\r\n" + WHOLE.replace(b"data: [DONE]\n\n", b"")],
    ],
    ids=[
        "slowly",
        "headers slowly",
        "pings and CRLF",
        "BOM",
        "charset",
        "gzip",
        "other fields",
        "nulls",
        "no end but the last",
    ],
)
async def test_what_is_odd_but_an_answer_is_read(answering: Answering, pieces: list[bytes]):
    async with answering(*pieces) as engine:
        text, finished = await answer(engine)
    assert text == "Blåa himmel."
    assert finished.finish_reason == "stop"
    assert finished.completion_tokens > 0


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": None}, {"prompt_tokens": -5, "completion_tokens": 1}, []])
async def test_usage_that_is_none_is_estimated(answering: Answering, usage: object):
    async with answering(STREAM + b"\r\n" + said("Blåa.") + said(finish_reason="stop") + chunk(usage=usage)) as engine:
        _, finished = await answer(engine)
    assert finished.prompt_tokens > 0
    assert finished.completion_tokens > 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"HTTP/1.1 200",
        b"garbage\r\n\r\n",
        STREAM,
        STREAM + b"\r\n",
        STREAM + b"\r\ndata: [DONE]\n\n",
        STREAM + b"\r\ndata: {not json\n\n",
        STREAM + b"\r\ndata: \xff\xfe\n\n",
        STREAM + b'\r\ndata: {"choices": 7}\n\n',
        STREAM + b"\r\ndata: " + b"[" * 100_000 + b"\n\n",
        STREAM + b"Content-Length: 900\r\n\r\n" + said(""),
        STREAM + b"Content-Encoding: gzip\r\n\r\n" + b"no gzip",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"5\r\nda",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /v1/elsewhere\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n",
    ],
    ids=lambda content: repr(content[-40:])[:60],
)
async def test_what_is_no_answer_is_a_failure_of_the_upstream(answering: Answering, content: bytes):
    async with asyncio.timeout(30), answering(content) as engine:
        with pytest.raises(EngineUnavailableError):
            await answer(engine)


async def test_an_answer_that_breaks_off_in_a_character_is_a_failure_after_its_words(answering: Answering):
    async with answering(STREAM + b"\r\n" + said("Blå ") + said("å")[:-12]) as engine:
        events = engine.generate(REQUEST)
        assert await anext(events) == TextDelta("Blå ")
        with pytest.raises(EngineUnavailableError):
            await anext(events)


@pytest.mark.parametrize("piece", [b"x" * 65_536, b"x\ndata: " * 8_192], ids=["a line", "many lines"])
async def test_an_event_without_end_is_not_kept(answering: Answering, piece: bytes):
    async with asyncio.timeout(30), answering(STREAM + b"\r\ndata: ", *[piece] * 100, stays=True) as engine:
        with pytest.raises(EngineUnavailableError, match="doesn't end"):
            await answer(engine)


@pytest.mark.parametrize(
    ("head", "body"),
    [(b"", b""), (STREAM, b""), (STREAM + b"\r\n", b": ping\n\n"), (b"HTTP/1.1 500 Oh\r\n\r\n", b"sorry")],
    ids=["accepts", "headers", "pings", "an error without end"],
)
async def test_one_that_never_answers_is_given_up(answering: Answering, head: bytes, body: bytes):
    async with asyncio.timeout(30), answering(head, body, stays=True, deadline_s=0.3) as engine:
        with pytest.raises(EngineUnavailableError):
            await answer(engine)


def refused(status: bytes, retry_after: str, body: bytes = b"", length: int | None = None) -> bytes:
    stated = f"Retry-After: {retry_after}\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    return b"HTTP/1.1 " + status + b"\r\n" + stated.encode() + body


@pytest.mark.parametrize(
    ("stated", "least", "most"),
    [
        ("7", 7, 7),
        ("0.5", 1, 1),
        ("86400", 60, 60),
        ("soon", 1, 1),
        ("9" * 5000, 1, 1),
        (format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True), 1, 1),
        (format_datetime(datetime(2100, 1, 1, tzinfo=UTC), usegmt=True), 60, 60),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_one_with_too_much_to_do_says_until_when(answering: Answering, stated: str, least: int, most: int):
    async with answering(refused(b"429 Too Many Requests", stated)) as engine:
        with pytest.raises(EngineBusyError) as busy:
            await answer(engine)
    assert least <= int(busy.value.headers["Retry-After"]) <= most


async def test_one_with_too_much_to_do_need_not_end_what_it_says_of_it(answering: Answering):
    async with answering(refused(b"429 Too Many Requests", "7", b"{", 900), stays=True) as engine:
        with pytest.raises(EngineBusyError) as busy:
            await answer(engine)
    assert busy.value.headers["Retry-After"] == "7"


async def test_one_that_is_down_says_until_when(answering: Answering):
    async with answering(refused(b"503 Service Unavailable", "23")) as engine:
        with pytest.raises(EngineUnavailableError) as down:
            await answer(engine)
    assert down.value.headers["Retry-After"] == "23"


async def test_an_account_that_is_used_up_is_no_rush(answering: Answering):
    """OpenAI's status is the same, but no waiting helps."""
    error = {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": "insufficient_quota"}
    async with answering(refused(b"429 Too Many Requests", "1", json.dumps({"error": error}).encode())) as engine:
        with pytest.raises(EngineUnavailableError, match="used up") as used_up:
            await answer(engine)
    assert used_up.value.headers["Retry-After"] == "30"


@pytest.mark.parametrize(
    "body", [b'{"error": {"type": ["a"], "code": 429}}', b'{"error": 7}', b"[]", b"\xff", b"<html>"]
)
async def test_one_with_too_much_to_do_may_say_it_in_any_shape(answering: Answering, body: bytes):
    async with answering(refused(b"429 Too Many Requests", "7", body)) as engine:
        with pytest.raises(EngineBusyError):
            await answer(engine)
