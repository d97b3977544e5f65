"""A real HTTP server on loopback for an application made in a test."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.types import ASGIApp


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncGenerator[str]:
    """The address of the running application."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, timeout_keep_alive=60)
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


async def until_ready(client: httpx.AsyncClient, url: str = "") -> None:
    """Returns when the service answers that it is ready, which may be in this process: asking on and on would slow it."""
    while (await client.get(f"{url}/health/ready")).status_code != 200:  # noqa: ASYNC110 - another's state
        await asyncio.sleep(0.02)
