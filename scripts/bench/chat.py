"""`footnote bench chat`: whole answers through the gateway beside a bare route, and answers given again."""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from libs.clients.base import ServiceClient, service_http
from libs.clients.generation import GenerationClient
from libs.contracts.completions import ChatMessageParam, CompletionRequest, DocumentParam
from libs.security.keys import OPERATOR
from libs.security.tokens import ServiceTokens
from scripts.api import Api, ApiError
from scripts.bench.answers import Ratio, print_ratios
from scripts.bench.chat_floor import chat_floor
from scripts.bench.measure import at_once, in_turn, percentile, print_latency, print_rates
from scripts.stage import free_base_port, stage

ROUNDS = 40
CLIENTS = 8
QUESTIONS = (
    "How long does an access token live?",
    "How does reciprocal rank fusion combine two lists?",
    "What happens when a quota is used up?",
    "Which formats can be uploaded?",
    "What does the outcome abstained mean?",
)
# Steps of a trace in which a model works; what is left of an answer's time is Footnote's own.
MODEL_STEPS = frozenset({"retrieve.embed", "retrieve.rerank", "generate"})
# Longer than what an answer leaves to be done, the relay's next look at the outbox included.
SETTLED_S = 0.7
NON_MODEL_AT_MOST, CACHED_AT_LEAST, SENTENCE_WITHIN_MS = 4.0, 3.0, 50.0

Timed = tuple[float, dict[str, Any]]


async def bench_chat(console: Console, rounds: int = ROUNDS) -> None:
    """Also counts what was acknowledged and what failed, so that services may be killed while it runs."""
    async with stage(console) as (settings, api), service_http() as http:
        me = await api.call("GET", "/users/me")
        tokens = ServiceTokens(OPERATOR, settings.secrets_dir)
        generation = GenerationClient(ServiceClient("generation", settings.url("generation"), tokens, http))
        passages = await _passages(api)
        # Others than an earlier run asked, whose answers may still be kept.
        numbers = count(int(time.time()) % 100_000)
        failures: list[str] = []

        def question() -> str:
            number = next(numbers)
            return f"{QUESTIONS[number % len(QUESTIONS)]} ({number})"

        async def engine() -> object:
            request = CompletionRequest(
                model="default",
                messages=[ChatMessageParam(role="user", content=question())],
                documents=passages,
                max_tokens=512,
            )
            return [chunk async for chunk in generation.stream(request)]

        async def chat() -> object:
            try:
                return await api.call("POST", "/chat", json={"message": question()})
            except ApiError as error:
                failures.append(error.code or str(error))
                return None

        await chat()
        async with chat_floor(settings, me["organization_id"], free_base_port()) as bare:
            await _parts(console, api, bare, question, rounds)
        await _sentences(console, api, question, rounds)
        engine_times, chat_times = await in_turn({"the engine, called directly": engine, "POST /chat": chat}, rounds)
        print_latency(console, "One client, beside the engine", engine_times, [chat_times])
        engine_rate = await at_once("the engine, called directly", [engine] * rounds * 2, CLIENTS)
        chat_rate = await at_once("POST /chat", [chat] * rounds * 2, CLIENTS)
        print_rates(console, f"{CLIENTS} clients", engine_rate, [chat_rate])
        asked = 1 + rounds + rounds * 2
        console.print(f"{asked - len(failures)} of {asked} answers acknowledged; failed: {failures or 'none'}")


async def _parts(console: Console, api: Api, bare: httpx.AsyncClient, question: Callable[[], str], rounds: int) -> None:
    """An answer's own time beside the bare route's, and the same answer given again; in turn, in the same run.

    Before each of the two the same is done, and time is left for what an answer leaves to be done: else the second
    would be timed beside the first one's bookkeeping, and find its asker looked up by the first.
    """
    floor: list[float] = []
    made: list[float] = []
    own: list[float] = []
    again: list[float] = []
    models: list[float] = []
    latest = (await api.call("POST", "/chat", json={"message": question()}))["message_id"]
    for turn in range(rounds + 1):
        message = question()
        floor_s, _ = await _timed(lambda message=message: _post(bare, message))
        await _settled(api, latest)
        made_s, answer = await _timed(lambda message=message: api.call("POST", "/chat", json={"message": message}))
        await _settled(api, answer["message_id"])
        again_s, kept = await _timed(lambda message=message: api.call("POST", "/chat", json={"message": message}))
        latest = kept["message_id"]
        if not turn:
            continue
        if not kept["metadata"]["cached"]:
            raise ApiError(f"The answer to {message!r} wasn't kept: {answer['metadata']}.")
        trace = await api.call("GET", f"/chat/messages/{answer['message_id']}/trace")
        model_s = sum(_model_ms(step) for step in trace["steps"]) / 1000
        for times, seconds in (
            (floor, floor_s),
            (made, made_s),
            (models, model_s),
            (own, made_s - model_s),
            (again, again_s),
        ):
            times.append(seconds)
    table = Table("", "median ms", "p95 ms", title="One client", title_justify="left")
    for label, seconds in (
        ("a bare route that reads and writes as much", floor),
        ("POST /chat", made),
        ("of that, models: embed, rerank, generate", models),
        ("of that, everything else", own),
        ("the same answer from the cache", again),
    ):
        table.add_row(label, f"{statistics.median(seconds) * 1000:.1f}", f"{percentile(seconds, 95) * 1000:.1f}")
    console.print(table)
    ratios = [
        Ratio("everything but models, over the bare route", NON_MODEL_AT_MOST, _over(own, floor), at_most=True),
        Ratio("an answer over the same from the cache", CACHED_AT_LEAST, _over(made, again)),
    ]
    print_ratios(console, "Ratios of each round", ratios)


async def _sentences(console: Console, api: Api, question: Callable[[], str], rounds: int) -> None:
    """How long after its check a sentence is here, the way of the question to chat included."""
    late: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        arrived: list[float] = []
        done: dict[str, Any] = {}
        async for event in api.stream_chat(question()):
            if event.event == "token":
                arrived.append((time.perf_counter() - started) * 1000)
            elif event.event == "done":
                done = json.loads(event.data)
        trace = await api.call("GET", f"/chat/messages/{done['message_id']}/trace")
        checked = [
            sentence["at_ms"]
            for step in trace["steps"]
            if step["step"] == "generate"
            for sentence in step["sentences"]
            if sentence["kept"] and "at_ms" in sentence
        ]
        late += [here - at for here, at in zip(arrived, checked, strict=False)]
    if late:
        console.print(
            f"A supported sentence is here {statistics.median(late):.1f} ms after its check (p95 "
            f"{percentile(late, 95):.1f} ms, {len(late)} sentences, the question's way to chat counted too); "
            f"within {SENTENCE_WITHIN_MS:.0f} ms: {sum(one <= SENTENCE_WITHIN_MS for one in late) / len(late):.1%}",
            highlight=False,
        )


async def _settled(api: Api, latest: str) -> None:
    """Leaves an answer's bookkeeping behind; a look at it goes through the same services as a question."""
    await asyncio.sleep(SETTLED_S)
    await api.call("GET", f"/chat/messages/{latest}/trace")


async def _timed(call: Callable[[], Awaitable[dict[str, Any]]]) -> Timed:
    started = time.perf_counter()
    answer = await call()
    return time.perf_counter() - started, answer


async def _post(bare: httpx.AsyncClient, message: str) -> dict[str, Any]:
    return (await bare.post("/", json={"message": message})).raise_for_status().json()


def _model_ms(step: dict[str, Any]) -> float:
    own = step.get("ms", 0.0) if step["step"] in MODEL_STEPS else 0.0
    return own + step.get("embed_ms", 0.0)


def _over(times: Sequence[float], floor: Sequence[float]) -> list[float]:
    return [one / least for one, least in zip(times, floor, strict=True)]


async def _passages(api: Api) -> list[DocumentParam]:
    found = await api.call("POST", "/search", json={"query": QUESTIONS[0], "top_k": 8})
    return [
        DocumentParam(id=number, title=result["title"], text=result["content"])
        for number, result in enumerate(found["results"], 1)
    ]
