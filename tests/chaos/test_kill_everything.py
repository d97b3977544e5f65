"""kill -9 of every process at once: the next start is ready, has what was acknowledged, and nothing else runs on."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from libs.config.settings import PROCESSES, REPOSITORY, Settings, load_settings
from tests.stack import PASSWORD, Member, base_port, until

QUESTION = "When does the harbour office open?"
START_WAIT_S = 180.0


@dataclass
class Installation:
    """`footnote up` as an operator starts it, in a session of its own."""

    settings: Settings
    command: subprocess.Popen[bytes]

    def tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.command.pid)
        return [root, *root.children(recursive=True)]


@asynccontextmanager
async def up(settings: Settings, models_dir: Path) -> AsyncGenerator[Installation]:
    environment = os.environ | {
        "FOOTNOTE_HOME": str(settings.home),
        "FOOTNOTE_BASE_PORT": str(settings.base_port),
        "FOOTNOTE_MODELS_DIR": str(models_dir),
        "FOOTNOTE_GENERATION__ENGINE": "extractive",
        "FOOTNOTE_INGESTION__LEASE_S": "6",
        # Looking again and again whether a document is read uses the default up.
        "FOOTNOTE_RATE_LIMITS__DEFAULT": "100000",
    }
    command = _start(environment, settings.home / "up.log")
    installation = Installation(settings, command)
    try:
        await until(lambda: _every_process_is_ready(installation), START_WAIT_S)
        yield installation
    finally:
        if command.poll() is None:
            command.terminate()
        await asyncio.to_thread(command.wait, 60)


@pytest.mark.chaos
async def test_everything_killed_at_once_comes_back_whole(tmp_path: Path, models_dir: Path, full: bool) -> None:
    if not full:
        pytest.skip("two whole starts; run with --full")
    settings = load_settings().model_copy(update={"home": tmp_path, "base_port": base_port()})
    email = f"{uuid4().hex[:12]}@example.com"
    async with up(settings, models_dir) as first:
        async with signed_in(settings, email, new=True) as member:
            read = await member.add("The harbour office opens at half past eight.", "Office hours")
            answer = await member.ask(QUESTION)
            accepted = await member.http.post("/documents", json={"title": "Last", "text": "The ferry leaves at noon."})
            assert accepted.status_code == 202
        victims = first.tree()
        assert len(victims) > len(PROCESSES)
        for victim in victims:
            # A process may be gone with its parent, or by itself, before its turn comes.
            with suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.command.wait, 60)
        await until(lambda: _none_runs(victims))
        assert not _processes_of(settings.home)
    async with up(settings, models_dir) as second, signed_in(settings, email, new=False) as member:
        assert (await member.finished(read))["status"] == "completed"
        assert (await member.finished(accepted.json()["document_id"]))["status"] == "completed"
        stored = (await member.http.get(f"/chat/sessions/{answer['session_id']}/messages")).raise_for_status().json()
        kept = [message["content"] for message in stored["items"]]
        assert kept == [QUESTION, answer["answer"]] or kept == [answer["answer"], QUESTION]
        assert (await member.ask("When does the ferry leave?"))["sources"]
        usage = (await member.http.get("/billing/usage")).raise_for_status().json()
        assert usage["resources"]["messages"]["used"] == 2
        own = {process.pid for process in second.tree()}
        assert {process.pid for process in _processes_of(settings.home)} <= own
    assert not _processes_of(settings.home)


def _start(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", "from scripts.cli import app; app()", "up"],
            cwd=REPOSITORY,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


@asynccontextmanager
async def signed_in(settings: Settings, email: str, *, new: bool) -> AsyncGenerator[Member]:
    credentials = {"email": email, "password": PASSWORD}
    async with httpx.AsyncClient(base_url=settings.url("gateway"), timeout=60, trust_env=False) as http:
        if new:
            assert (await http.post("/auth/register", json=credentials)).status_code == 201
        tokens = (await http.post("/auth/login", json=credentials)).raise_for_status().json()
        http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield Member(email, http)


async def _every_process_is_ready(installation: Installation) -> bool | None:
    assert installation.command.poll() is None, (installation.settings.home / "up.log").read_text()
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        for process in PROCESSES:
            try:
                answer = await http.get(f"{installation.settings.url(process)}/health/ready")
            except httpx.TransportError:
                return None
            if not answer.is_success:
                return None
    return True


async def _none_runs(processes: list[psutil.Process]) -> bool | None:
    return None if any(_runs(process) for process in processes) else True


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _processes_of(home: Path) -> list[psutil.Process]:
    """Every process that works on this home, whoever its parent is: by its arguments or its environment."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            said = [*process.cmdline(), process.environ().get("FOOTNOTE_HOME", "")]
            if any(str(home) in part for part in said) and process.pid != os.getpid() and _runs(process):
                found.append(process)
        except psutil.Error:
            continue
    return found
