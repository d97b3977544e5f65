import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest
from fastapi import FastAPI

from libs.service.streaming import event_stream
from tests.loopback import serving


@pytest.mark.parametrize("pause_s", [0.01, 3600.0], ids=["while it speaks", "while it thinks"])
async def test_an_answer_ends_when_its_reader_leaves(pause_s: float) -> None:
    app = FastAPI()
    ended = asyncio.Event()

    async def speak() -> AsyncGenerator[bytes]:
        try:
            while True:
                yield b"data: x\n\n"
                await asyncio.sleep(pause_s)
        finally:
            ended.set()

    app.add_api_route("/", lambda: event_stream(speak()))
    async with serving(app) as url, httpx.AsyncClient() as http:
        async with http.stream("GET", url) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            await anext(response.aiter_bytes())
        await asyncio.wait_for(ended.wait(), 30)


async def test_an_answer_that_fails_half_way_breaks_off() -> None:
    app = FastAPI()

    async def speak() -> AsyncGenerator[bytes]:
        yield b"data: x\n\n"
        raise OSError("the far side is gone")

    app.add_api_route("/", lambda: event_stream(speak()))
    async with serving(app) as url, httpx.AsyncClient() as http:
        with pytest.raises(httpx.TransportError):
            await http.get(url)
