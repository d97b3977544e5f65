"""Where benches and evaluations play: the running installation, or one of their own for as long as they last."""

import os
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

REQUESTS_PER_MINUTE = 1_000_000


@asynccontextmanager
async def stage(console: Console) -> AsyncGenerator[tuple[Settings, Api]]:
    """The bench's own organisation, with the handbook read."""
    async with installation(load_settings(), console) as settings, organization(settings, "bench") as api:
        listed = await api.call("GET", "/documents", params={"limit": 1})
        if not listed["items"]:
            await ingest(api, [REPOSITORY / "docs" / "handbook"], console)
        yield settings, api


@asynccontextmanager
async def organization(settings: Settings, name: str) -> AsyncGenerator[Api]:
    """An organisation of that name, made where it is missing: on the enterprise plan, no request limit in its way."""
    credentials = await _owner(settings, name)
    await set_plan(settings, credentials.email, "enterprise")
    await set_limits(settings, credentials.email, REQUESTS_PER_MINUTE)
    async with signed_in_as(settings, credentials) as api:
        yield api


async def _owner(settings: Settings, name: str) -> Credentials:
    """The organisation's user; the password is made here and kept in home."""
    path = settings.home / f"{name}-credentials.json"
    known = stored_credentials(path)
    if known:
        return known
    credentials = store_new_credentials(path, f"{name}@example.com")
    async with httpx.AsyncClient(base_url=address(settings), timeout=60, trust_env=False) as http:
        await Api(http).call("POST", "/auth/register", json=asdict(credentials))
    return credentials


@asynccontextmanager
async def installation(settings: Settings, console: Console) -> AsyncGenerator[Settings]:
    """The one that runs, else one of its own in a folder that goes with it."""
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
    console.print("Nothing is running here; starting an installation for this run.")
    with tempfile.TemporaryDirectory(prefix="footnote-") as home:
        own = settings.model_copy(update={"home": Path(home), "base_port": free_base_port()})
        async with running(own, console):
            yield own


def free_base_port(first: int | None = None) -> int:
    """The first of as many free ports in a row as an installation listens on.

    The search begins at a place of this process's own, so that two that start together don't find the same.
    """
    for base in range(first or 18_000 + os.getpid() % 1_000 * 10, 60_000, 10):
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
