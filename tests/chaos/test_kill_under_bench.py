"""kill -9 of each service in turn while `footnote bench chat` runs: it goes on, and what it was told is billed."""

import asyncio
import io
import os
import re
import signal

import pytest
from rich.console import Console

from libs.config.settings import PROCESSES
from scripts.bench.chat import bench_chat
from scripts.stage import stage
from tests.stack import Stack, until

ROUNDS = 30
BETWEEN_S = 5


@pytest.mark.chaos
@pytest.mark.timeout(900)
async def test_the_bench_outlives_each_service(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], full: bool
) -> None:
    if not full:
        pytest.skip("benches for minutes; run with --full")
    monkeypatch.setenv("FOOTNOTE_HOME", str(stack.settings.home))
    monkeypatch.setenv("FOOTNOTE_BASE_PORT", str(stack.settings.base_port))
    output = io.StringIO()
    console = Console(file=output, width=10_000)
    before = await _used(console)
    bench = asyncio.create_task(bench_chat(console, ROUNDS))
    for victim in PROCESSES:
        await asyncio.sleep(BETWEEN_S)
        assert not bench.done(), "the bench ended before every service was killed"
        old = stack.supervisor.processes()[victim]
        os.kill(old, signal.SIGKILL)

        async def back(victim: str = victim, old: int = old) -> bool | None:
            return True if stack.supervisor.processes().get(victim, old) != old else None

        await until(back)
    await bench
    printed = output.getvalue()
    with capsys.disabled():
        print(printed)
    said = re.search(r"(\d+) questions to POST /chat; failed calls: (.*)", printed)
    assert said
    asked, failed = int(said[1]), sum(map(int, re.findall(r"(\d+) times", said[2])))
    assert failed, "no call met a killed service"

    used: list[int] = []

    async def billed() -> bool | None:
        used.append(await _used(console) - before)
        return True if asked - failed <= used[-1] <= asked else None

    try:
        await until(billed)
    except TimeoutError:
        pytest.fail(f"{asked} asked, {failed} calls failed, {used[-1]} billed")


async def _used(console: Console) -> int:
    async with stage(console) as (_, api):
        return (await api.call("GET", "/billing/usage"))["resources"]["messages"]["used"]
