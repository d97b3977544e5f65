"""A bare route in a process of its own, for what is measured beside it."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from libs.config.settings import Settings

POLL_S = 0.05
TIMEOUT_S = 30.0


@asynccontextmanager
async def running_route(
    settings: Settings, module: str, port: int, *arguments: str
) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of `python -m module PORT ARGUMENT…`, once it answers."""
    environment = {**os.environ, "FOOTNOTE_HOME": str(settings.home.absolute())}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, str(port), *arguments, env=environment)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=TIMEOUT_S) as http:
            while True:
                try:
                    await http.get("/")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(POLL_S)
            yield http
    finally:
        process.terminate()
        await process.wait()
