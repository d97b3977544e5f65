"""A generation service with a small language model as a process of its own, for tests that load or kill it."""

import sys
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from libs.config.settings import Settings
from libs.inference.child import import_path_environment
from tests.stack import until

# Where nobody has converted the model yet, it does that first.
START_WAIT_S = 180.0


@asynccontextmanager
async def generation_process(settings: Settings) -> AsyncIterator[Process]:
    environment = {
        **import_path_environment(),
        "FOOTNOTE_ENVIRONMENT": "test",
        "FOOTNOTE_HOME": str(settings.home),
        "FOOTNOTE_MODELS_DIR": str(settings.models_dir),
        "FOOTNOTE_BASE_PORT": str(settings.base_port),
        "FOOTNOTE_GENERATION__ENGINE": "smollm2",
        "FOOTNOTE_GENERATION__CONTEXT_TOKENS": "1024",
    }
    process = await create_subprocess_exec(
        sys.executable,
        "-m",
        "services.generation",
        env=environment,
        stdout=DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=settings.url("generation")) as http:

            async def ready() -> bool | None:
                try:
                    return True if (await http.get("/health/ready")).status_code == 200 else None
                except httpx.TransportError:
                    return None

            await until(ready, START_WAIT_S)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
