"""Many clients at once on the real embedding process: refused or answered, never broken, and back after a kill."""

import asyncio
import os
import resource
import signal
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from libs.security.keys import OPERATOR
from libs.security.tokens import ServiceTokens
from tests.stack import Stack, until

OK = 200
CLIENTS, SMOKE_CLIENTS = 200, 40
SECONDS, SMOKE_SECONDS = 120.0, 2.0
# Every fifth client ingests.
INGESTS = 5
INGESTED_AT_ONCE = 16
# Above what it held after a third of the time, of a second crowd's: before, the engine prepares the shapes that batches
# have, and the cache of queries begins to fill.
MEMORY_GROWTH = 1.15
MEMORY_GROWTH_BYTES = 64_000_000
# A query of all clients' waits behind a batch or two; ingestion has every fifth batch while there are queries.
LONGEST_QUERY_S = 15.0
LONGEST_S = 60.0


@dataclass
class Load:
    """What the clients saw."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    broken: int = 0
    slowest_query_s: float = 0
    slowest_s: float = 0
    answered: dict[int, int] = field(default_factory=dict[int, int])
    memory: list[int] = field(default_factory=list[int])


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_many_clients_see_nothing_but_answers_and_429(stack: Stack, full: bool):
    clients, seconds = (CLIENTS, SECONDS) if full else (SMOKE_CLIENTS, SMOKE_SECONDS)
    if full:
        await _under_load(stack, clients, seconds)
    load = await _under_load(stack, clients, seconds)
    early, late = load.memory[len(load.memory) // 3], statistics.median(load.memory[-5:])
    queries = [count for client, count in load.answered.items() if client % INGESTS]
    print(
        f"\n{clients} clients, {seconds:g} s: {dict(load.statuses)}, slowest query "
        f"{load.slowest_query_s:.2f} s, slowest {load.slowest_s:.2f} s, memory "
        f"{early / 1e6:.0f} to {late / 1e6:.0f} MB, answers a querying client {min(queries)} to {max(queries)}"
    )
    assert set(load.statuses) <= {OK, 429}
    assert load.broken == 0
    assert load.statuses[OK] > 0
    assert load.slowest_query_s < LONGEST_QUERY_S
    # Nobody is starved: every client got answers.
    assert len(load.answered) == clients
    assert late < early * MEMORY_GROWTH + MEMORY_GROWTH_BYTES


@pytest.mark.chaos
async def test_a_killed_embedding_process_comes_back_under_load(stack: Stack, full: bool):
    clients, seconds = (CLIENTS, 30.0) if full else (SMOKE_CLIENTS, 1.0)
    before = stack.supervisor.processes()
    loading = asyncio.create_task(_under_load(stack, clients, seconds, until_broken=True))
    await until(lambda: _busy(stack))
    os.kill(before["embedding"], signal.SIGKILL)
    load = await loading
    # Those in flight see the connection break; those that come while it starts can't connect, or get 503.
    assert set(load.statuses) <= {200, 429, 503}
    assert load.broken > 0
    await until(lambda: _ready(stack))
    after = stack.supervisor.processes()
    assert [name for name in after if after[name] != before[name]] == ["embedding"]
    load = await _under_load(stack, clients, 1.0)
    assert (load.broken, set(load.statuses) - {429}) == (0, {200})
    assert len(load.answered) == clients


async def _under_load(stack: Stack, clients: int, seconds: float, *, until_broken: bool = False) -> Load:
    """Each client sends text after text for so long, at least one; `until_broken`: and until a connection broke."""
    load = Load()
    tokens = ServiceTokens(OPERATOR, stack.settings.secrets_dir)
    ends_at = time.monotonic() + seconds
    url = f"{stack.settings.url('embedding')}/v1/embeddings"

    def goes_on() -> bool:
        late_s = time.monotonic() - ends_at
        return late_s < 0 or (until_broken and not load.broken and late_s < LONGEST_S)

    async def client(number: int) -> None:
        # A connection pool of its own: one that many share lets some wait for long.
        async with httpx.AsyncClient(timeout=LONGEST_S, verify=False, trust_env=False) as http:  # noqa: S501 - loopback
            await send(number, http)

    async def send(number: int, http: httpx.AsyncClient) -> None:
        ingests = number % INGESTS == 0
        turn = 0
        while turn == 0 or goes_on():
            turn += 1
            name = f"{ends_at:.3f} {number} {turn}"
            texts = [f"{name} {text}: the harbour office opens at eight" for text in range(INGESTED_AT_ONCE)]
            headers = {"X-Service-Token": tokens.sign("embedding"), "X-Lane": "ingest" if ingests else "query"}
            started = time.monotonic()
            try:
                response = await http.post(url, json={"input": texts if ingests else name}, headers=headers)
            except httpx.TransportError:
                load.broken += 1
                await asyncio.sleep(0.1)
                continue
            took = time.monotonic() - started
            load.slowest_s = max(load.slowest_s, took)
            if not ingests:
                load.slowest_query_s = max(load.slowest_query_s, took)
            load.statuses[response.status_code] += 1
            if response.status_code == OK:
                load.answered[number] = load.answered.get(number, 0) + 1
            else:
                assert response.json()["error"]["code"] in {"OVERLOADED", "UPSTREAM_UNAVAILABLE"}
                assert int(response.headers["Retry-After"]) >= 1
                await asyncio.sleep(0.1)

    async def watch() -> None:
        while True:
            load.memory.append(_memory(stack.supervisor.processes().get("embedding")))
            await asyncio.sleep(seconds / 50)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(client(number) for number in range(clients)))
    watching.cancel()
    return load


def _memory(process: int | None) -> int:
    """Resident bytes."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


async def _busy(stack: Stack) -> bool | None:
    async with httpx.AsyncClient(timeout=LONGEST_S, trust_env=False) as http:
        metrics = (await http.get(f"{stack.settings.url('embedding')}/metrics")).text
    waiting = [line for line in metrics.splitlines() if line.startswith("footnote_embedding_waiting{")]
    return any(float(line.rpartition(" ")[2]) > 0 for line in waiting) or None


async def _ready(stack: Stack) -> bool | None:
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            return (await http.get(f"{stack.settings.url('embedding')}/health/ready")).status_code == OK or None
        except httpx.TransportError:
            return None
