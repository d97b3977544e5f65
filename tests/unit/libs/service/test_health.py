"""What a probe of a service waits for, and what it tells."""

import asyncio

import httpx
from fastapi import FastAPI

from libs.service.health import Health, health_router


async def test_a_part_that_is_not_needed_and_hangs_keeps_no_probe_waiting():
    health, hung = Health("knowledge"), asyncio.Event()

    async def works() -> None:
        pass

    async def hangs() -> None:
        hung.set()
        await asyncio.Event().wait()

    health.add("postgres", works)
    health.add("original files", hangs, needed=False)
    health.started = True
    app = FastAPI()
    app.include_router(health_router(health))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://knowledge") as http:
        ready = await http.get("/health/ready")
        assert (ready.status_code, ready.json()["status"], hung.is_set()) == (200, "ready", False)
