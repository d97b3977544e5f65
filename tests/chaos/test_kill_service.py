"""kill -9 of any one service while people ask: envelopes meanwhile, then all is back and nothing acknowledged is lost."""

import asyncio
import os
import signal

import httpx
import pytest

from libs.config.settings import PROCESSES
from tests.stack import Member, Stack, until

QUESTION = "When does the harbour office open?"
SMOKE = ("chat",)
ASKERS = 4
WARM_ANSWERS = 3


def victims(config: pytest.Config) -> tuple[str, ...]:
    return PROCESSES if config.getoption("--full") else SMOKE


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "victim" in metafunc.fixturenames:
        metafunc.parametrize("victim", victims(metafunc.config))


@pytest.mark.chaos
async def test_a_killed_service_comes_back_and_loses_nothing(stack: Stack, victim: str) -> None:
    async with stack.member() as member:
        await member.add("The harbour office opens at half past eight.", "Office hours")
        acknowledged: list[dict] = []
        failures: list[int] = []
        stopping = asyncio.Event()
        askers = [asyncio.create_task(_keep_asking(member, acknowledged, failures, stopping)) for _ in range(ASKERS)]
        await until(lambda: _at_least(acknowledged, WARM_ANSWERS))
        old = stack.supervisor.processes()[victim]
        os.kill(old, signal.SIGKILL)
        await until(lambda: _restarted(stack, victim, old))
        after = len(acknowledged)
        await until(lambda: _at_least(acknowledged, after + WARM_ANSWERS))
        stopping.set()
        await asyncio.gather(*askers)
        for answer in acknowledged:
            stored = (
                (await member.http.get(f"/chat/sessions/{answer['session_id']}/messages")).raise_for_status().json()
            )
            kept = [message for message in stored["items"] if message["id"] == answer["message_id"]]
            assert [message["content"] for message in kept] == [answer["answer"]]
        # A settlement that billing missed is delivered again; an answer that was written but not received counts too.
        await until(lambda: _billed(member, len(acknowledged), len(acknowledged) + len(failures)))


async def _keep_asking(member: Member, acknowledged: list[dict], failures: list[int], stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            response = await member.http.post("/chat", json={"message": QUESTION})
        except httpx.TransportError:
            # Only a killed gateway breaks the connection itself.
            failures.append(0)
            await asyncio.sleep(0.05)
            continue
        if response.status_code == 200:
            acknowledged.append(response.json())
        else:
            failures.append(response.status_code)
            assert set(response.json()) == {"code", "message", "details", "request_id"}
            assert response.status_code in {401, 429, 503, 504}
            await asyncio.sleep(0.05)


async def _at_least(answers: list[dict], wanted: int) -> bool | None:
    return True if len(answers) >= wanted else None


async def _restarted(stack: Stack, victim: str, old: int) -> bool | None:
    return True if stack.supervisor.processes().get(victim, old) != old else None


async def _billed(member: Member, least: int, most: int) -> bool | None:
    answer = await member.http.get("/billing/usage")
    if answer.status_code == 503:
        # Answers go on for a while without billing, so it may still be on its way back.
        return None
    used = answer.raise_for_status().json()["resources"]["messages"]["used"]
    assert used <= most
    return True if used >= least else None
