"""`footnote bench search`: a hybrid search through the gateway beside a bare FastAPI and Redis route."""

from itertools import count

from rich.console import Console

from scripts.bench.floor import floor_route
from scripts.bench.measure import at_once, in_turn, print_latency, print_rates
from scripts.stage import free_base_port, stage

ROUNDS = 100
CLIENTS = 8
QUERIES = (
    "How long does an access token live?",
    "reciprocal rank fusion",
    "What happens when a quota is used up?",
    "delete a document",
    "failed PDF upload",
)


async def bench_search(console: Console, rounds: int = ROUNDS) -> None:
    """One client at a time, then several, on the handbook's passages."""
    async with stage(console) as (settings, api), floor_route(settings, free_base_port()) as bare:
        numbers = count()

        def query() -> str:
            number = next(numbers)
            return f"{QUERIES[number % len(QUERIES)]} {number}"

        async def floor() -> object:
            return await bare.get("/")

        async def hybrid() -> object:
            return await api.call("POST", "/search", json={"query": query()})

        async def lexical() -> object:
            return await api.call("POST", "/search", json={"query": query(), "strategy": "lexical"})

        await hybrid()
        bare_times, *searches = await in_turn(
            {"bare FastAPI + Redis": floor, "hybrid search": hybrid, "lexical search": lexical}, rounds
        )
        print_latency(console, "One client", bare_times, searches)
        bare_rate = await at_once("bare FastAPI + Redis", [floor] * rounds * 2, CLIENTS)
        search_rate = await at_once("hybrid search", [hybrid] * rounds * 2, CLIENTS)
        print_rates(console, f"{CLIENTS} clients", bare_rate, [search_rate])
