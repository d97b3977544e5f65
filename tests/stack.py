"""A running Footnote for tests that talk to it from outside."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from rich.console import Console

from libs.config.settings import Settings, load_settings
from scripts.admin import set_limits, set_plan
from scripts.stage import free_base_port
from scripts.supervisor import Supervisor
from scripts.up import running

Found = TypeVar("Found")

PASSWORD = "correct horse battery"
WAIT_S = 60.0
POLL_S = 0.05


@dataclass
class Member:
    """A signed-in user of an organisation of its own."""

    email: str
    http: httpx.AsyncClient

    async def add(self, text: str, title: str = "A page", **fields: Any) -> str:
        """Adds a text and waits until it is searchable; returns its id."""
        answer = await self.http.post("/documents", json={"title": title, "text": text, **fields})
        assert answer.status_code == 202, answer.text
        document_id = answer.json()["document_id"]
        document = await self.finished(document_id)
        assert document["status"] == "completed", document
        return document_id

    async def finished(self, document_id: str) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            document = (await self.http.get(f"/documents/{document_id}")).raise_for_status().json()
            return document if document["status"] in {"completed", "failed"} else None

        return await until(look)

    async def organization_id(self) -> UUID:
        return UUID((await self.http.get("/users/me")).raise_for_status().json()["organization_id"])

    async def ask(self, message: str, **fields: Any) -> dict[str, Any]:
        answer = await self.http.post("/chat", json={"message": message, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def messages_used(self) -> int:
        """Of the plan, once there are any: counted with the answer, or on a busy machine by the outbox soon after."""

        async def look() -> int | None:
            usage = (await self.http.get("/billing/usage")).raise_for_status().json()
            return usage["resources"]["messages"]["used"] or None

        return await until(look)


@dataclass
class Stack:
    settings: Settings
    supervisor: Supervisor
    url: str

    @asynccontextmanager
    async def member(self, plan: str = "enterprise") -> AsyncIterator[Member]:
        """A new user in a new organisation, with no request limit in the way."""
        email = f"{uuid4().hex[:12]}@example.com"
        async with self.client() as http:
            made = await http.post("/auth/register", json={"email": email, "password": PASSWORD})
            assert made.status_code == 201, made.text
            await set_limits(self.settings, email, 1_000_000)
            if plan != "free":
                await set_plan(self.settings, email, plan)
            tokens = (await http.post("/auth/login", json={"email": email, "password": PASSWORD})).json()
            http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            yield Member(email, http)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=60, trust_env=False)


@asynccontextmanager
async def started_stack(home: Path, models_dir: Path) -> AsyncGenerator[Stack]:
    os.environ["FOOTNOTE_MODELS_DIR"] = str(models_dir)
    os.environ["FOOTNOTE_RATE_LIMITS__ANONYMOUS"] = "100000"
    os.environ["FOOTNOTE_RATE_LIMITS__GUEST"] = "100000"
    os.environ["FOOTNOTE_INGESTION__LEASE_S"] = "6"
    os.environ["FOOTNOTE_GENERATION__ENGINE"] = "extractive"
    settings = load_settings().model_copy(update={"home": home, "base_port": base_port()})
    async with running(settings, Console(quiet=True)) as supervisor:
        yield Stack(settings, supervisor, f"http://127.0.0.1:{settings.base_port}")


def base_port() -> int:
    """Free, and out of the way of other processes of the same test run."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return free_base_port(20_000 + 500 * process)


async def until(look: Callable[[], Awaitable[Found | None]], wait_s: float = WAIT_S) -> Found:
    """The first answer of `look` that isn't None; fails when none comes in time."""
    async with asyncio.timeout(wait_s):
        while True:
            found = await look()
            if found is not None:
                return found
            await asyncio.sleep(POLL_S)
