"""Where a bench plays: the running installation, or one of its own for as long as the bench lasts."""

import socket
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import httpx
from rich.console import Console

from libs.config.settings import LISTENERS, REPOSITORY, Settings, load_settings
from scripts.admin import set_limits, set_plan
from scripts.api import Api, Credentials, address, signed_in_as, store_new_credentials, stored_credentials
from scripts.ingest import ingest
from scripts.up import running

BENCH_EMAIL = "bench@example.com"
REQUESTS_PER_MINUTE = 1_000_000


@asynccontextmanager
async def stage(console: Console) -> AsyncGenerator[tuple[Settings, Api]]:
    """An organisation on the enterprise plan, with the handbook read and no request limit in the way."""
    settings = load_settings()
    async with _installation(settings, console) as used:
        credentials = await _bench_user(used)
        await set_plan(used, BENCH_EMAIL, "enterprise")
        await set_limits(used, BENCH_EMAIL, REQUESTS_PER_MINUTE)
        async with signed_in_as(used, credentials) as api:
            listed = await api.call("GET", "/documents", params={"limit": 1})
            if not listed["items"]:
                await ingest(api, [REPOSITORY / "docs" / "handbook"], console)
            yield used, api


async def _bench_user(settings: Settings) -> Credentials:
    """The bench's own user; its password is made here and kept in home."""
    path = settings.home / "bench-credentials.json"
    known = stored_credentials(path)
    if known:
        return known
    credentials = store_new_credentials(path, BENCH_EMAIL)
    async with httpx.AsyncClient(base_url=address(settings), timeout=60, trust_env=False) as http:
        await Api(http).call("POST", "/auth/register", json=asdict(credentials))
    return credentials


@asynccontextmanager
async def _installation(settings: Settings, console: Console) -> AsyncGenerator[Settings]:
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        try:
            (await http.get(f"{address(settings)}/health/live")).raise_for_status()
        except httpx.HTTPError:
            answers = False
        else:
            answers = True
    if answers:
        yield settings
        return
    console.print("Nothing is running here; starting an installation for this bench.")
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as home:
        own = settings.model_copy(update={"home": Path(home), "base_port": free_base_port()})
        async with running(own, console):
            yield own


def free_base_port() -> int:
    """The first of as many free ports in a row as an installation listens on."""
    for base in range(18_000, 60_000, 10):
        with_room = [socket.socket() for _ in LISTENERS]
        try:
            for offset, probe in enumerate(with_room):
                probe.bind(("127.0.0.1", base + offset))
        except OSError:
            continue
        else:
            return base
        finally:
            for probe in with_room:
                probe.close()
    raise RuntimeError("no free ports")
