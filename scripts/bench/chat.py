"""`footnote bench chat`: whole answers through the gateway beside a bare route, and answers given again."""

import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, TypedDict

import httpx
from rich.console import Console
from rich.table import Table

from libs.clients.base import ServiceClient, service_http
from libs.clients.generation import GenerationClient
from libs.config.generation import EXTRACTIVE
from libs.contracts.completions import ChatMessageParam, CompletionRequest, DocumentParam
from libs.security.keys import OPERATOR
from libs.security.tokens import ServiceTokens
from scripts.api import Api, ApiError
from scripts.bench.answers import Ratio, print_ratios
from scripts.bench.chat_floor import chat_floor
from scripts.bench.measure import at_once, in_turn, percentile, print_latency, print_rates
from scripts.stage import free_base_port, stage

CLIENTS = 8
# Ways to put a question that ask nothing else: neither its search nor its embedding is one that was kept.
OPENINGS = ("", "So ", "Now ", "Hello. ", "Hi. ", "Hey, ", "Hello, hello. ", "Please: ", "Hi, please: ", "Hello, so ")
CLOSINGS = ("", " Please.", " Thanks.", " Thank you.", " Please, thanks.", " Thank you, please.", " Hello?")
# Of an answer; the free plan's most is LEAST_TOKENS + LENGTHS.
LEAST_TOKENS, LENGTHS = 300, 700
QUESTIONS = (
    "How long does an access token live?",
    "How does reciprocal rank fusion combine two lists?",
    "How long does a refresh token live?",
    "Which formats can be uploaded?",
    "What does the outcome abstained mean?",
)
# Steps of a trace in which a model works; what is left of an answer's time is Footnote's own.
MODEL_STEPS = frozenset({"retrieve.embed", "retrieve.rerank", "generate"})
# Longer than what an answer leaves to be done, the relay's next look at the outbox included.
SETTLED_S = 0.7
NON_MODEL_AT_MOST, SENTENCE_WITHIN_MS = 4.0, 50.0
# How many times cheaper the same answer from the cache is than one that is composed, and one that a model writes.
CACHED_OVER_COMPOSED, CACHED_OVER_WRITTEN = 3.0, 50.0


class Question(TypedDict):
    message: str
    max_tokens: int


@dataclass(frozen=True)
class _Round:
    """Seconds of one question: the bare route's, the answer's and its models' part, and the same answer given again.

    `written`: by a language model, rather than composed.
    """

    floor: float
    made: float
    models: float
    again: float
    written: bool

    @property
    def own(self) -> float:
        return self.made - self.models


class _Asking:
    """Counts what was asked and what failed. `latest` is the id of the last answer."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.asked = 0
        self.failures: list[str] = []
        self.latest = ""
        # Begins where an earlier run, whose answers may still be kept, is unlikely to have been.
        self._numbers = count(int(time.time()))

    def question(self) -> Question:
        """Never the same within 350: an answer of another length isn't one that was kept for a question like it."""
        number = next(self._numbers)
        way, question = divmod(number, len(QUESTIONS))
        closing, opening = divmod(way, len(OPENINGS))
        message = OPENINGS[opening] + QUESTIONS[question] + CLOSINGS[closing % len(CLOSINGS)]
        return {"message": message, "max_tokens": LEAST_TOKENS + number % LENGTHS}

    @contextmanager
    def surviving(self) -> Generator[None]:
        """A failure in it is counted, and ends what stands in it, not the bench."""
        try:
            yield
        except ApiError as error:
            self.failures.append(error.code or str(error))

    async def answer(self, question: Question) -> dict[str, Any]:
        """Raises ApiError."""
        self.asked += 1
        answer: dict[str, Any] = await self.api.call("POST", "/chat", json=question)
        self.latest = answer["message_id"]
        return answer

    async def timed(self, question: Question) -> tuple[float, dict[str, Any]]:
        started = time.perf_counter()
        answer = await self.answer(question)
        return time.perf_counter() - started, answer


async def bench_chat(console: Console, rounds: int) -> None:
    """Services may be killed while it runs: it counts what was acknowledged and what failed."""
    async with stage(console) as (settings, api), service_http() as http:
        me = await api.call("GET", "/users/me")
        tokens = ServiceTokens(OPERATOR, settings.secrets_dir)
        generation = GenerationClient(ServiceClient("generation", settings.url("generation"), tokens, http))
        passages = await _passages(api)
        asking = _Asking(api)

        async def engine() -> object:
            request = CompletionRequest(
                model="default",
                messages=[ChatMessageParam(role="user", content=asking.question()["message"])],
                documents=passages,
                max_tokens=512,
            )
            with asking.surviving():
                return [chunk async for chunk in generation.stream(request)]

        async def chat() -> object:
            with asking.surviving():
                return await asking.answer(asking.question())

        await chat()
        async with chat_floor(settings, me["organization_id"], free_base_port()) as bare:
            await _parts(console, asking, bare, rounds)
        await _sentences(console, asking, rounds)
        engine_times, chat_times = await in_turn({"the engine, called directly": engine, "POST /chat": chat}, rounds)
        print_latency(console, "One client, beside the engine", engine_times, [chat_times])
        engine_rate = await at_once("the engine, called directly", [engine] * rounds * 2, CLIENTS)
        chat_rate = await at_once("POST /chat", [chat] * rounds * 2, CLIENTS)
        print_rates(console, f"{CLIENTS} clients", engine_rate, [chat_rate])
        failed = ", ".join(f"{number} times {name}" for name, number in Counter(asking.failures).items())
        console.print(f"{asking.asked} questions to POST /chat; failed calls: {failed or 'none'}")


async def _parts(console: Console, asking: _Asking, bare: httpx.AsyncClient, rounds: int) -> None:
    """An answer's own time beside the bare route's, and the same answer given again; in turn, in the same run."""
    timed: list[_Round] = []
    for turn in range(rounds + 1):
        with asking.surviving():
            one = await _round(asking, bare)
            if turn:
                timed.append(one)
    if not timed:
        raise ApiError(f"No round came to its end: {asking.failures[-1]}.")
    table = Table("", "median ms", "p95 ms", title="One client", title_justify="left")
    for label, seconds in (
        ("a bare route that reads and writes as much", [one.floor for one in timed]),
        ("POST /chat", [one.made for one in timed]),
        ("of that, models: embed, rerank, generate", [one.models for one in timed]),
        ("of that, everything else", [one.own for one in timed]),
        ("the same answer from the cache", [one.again for one in timed]),
    ):
        table.add_row(label, f"{statistics.median(seconds) * 1000:.1f}", f"{percentile(seconds, 95) * 1000:.1f}")
    console.print(table)
    over_floor = [one.own / one.floor for one in timed]
    over_cached = [one.made / one.again for one in timed]
    cached_at_least = CACHED_OVER_WRITTEN if any(one.written for one in timed) else CACHED_OVER_COMPOSED
    ratios = [
        Ratio("everything but models, over the bare route", NON_MODEL_AT_MOST, over_floor, at_most=True),
        Ratio("an answer over the same from the cache", cached_at_least, over_cached),
    ]
    print_ratios(console, "Ratios of each round", ratios)


async def _round(asking: _Asking, bare: httpx.AsyncClient) -> _Round:
    """Before each of the two answers the same is done, and time is left for what an answer leaves to be done.

    Else the second would be timed beside the first one's bookkeeping, and find its asker looked up by the first.
    Raises ApiError.
    """
    question = asking.question()
    started = time.perf_counter()
    (await bare.post("/", json=question)).raise_for_status()
    floor_s = time.perf_counter() - started
    await _settled(asking)
    made_s, answer = await asking.timed(question)
    await _settled(asking)
    again_s, kept = await asking.timed(question)
    if not kept["metadata"]["cached"]:
        raise ApiError(f"The answer to {question} wasn't kept: {answer['metadata']}.", "NOT_KEPT")
    trace = await asking.api.call("GET", f"/chat/messages/{answer['message_id']}/trace")
    models_s = sum(_model_ms(step) for step in trace["steps"]) / 1000
    written = any(step["model"] != EXTRACTIVE for step in trace["steps"] if step["step"] == "generate")
    return _Round(floor_s, made_s, models_s, again_s, written)


async def _sentences(console: Console, asking: _Asking, rounds: int) -> None:
    """How long after its check a sentence is here, the way of the question to chat included."""
    late: list[float] = []
    for _ in range(rounds):
        with asking.surviving():
            late += await _lateness(asking)
    if late:
        console.print(
            f"A supported sentence is here {statistics.median(late):.1f} ms after its check (p95 "
            f"{percentile(late, 95):.1f} ms, {len(late)} sentences, the question's way to chat counted too); "
            f"within {SENTENCE_WITHIN_MS:.0f} ms: {sum(one <= SENTENCE_WITHIN_MS for one in late) / len(late):.1%}",
            highlight=False,
        )


async def _lateness(asking: _Asking) -> list[float]:
    """Of one answer's sentences, in milliseconds. Raises ApiError."""
    asking.asked += 1
    started = time.perf_counter()
    arrived: list[float] = []
    done: dict[str, Any] = {}
    async for event in asking.api.stream_chat(**asking.question()):
        if event.event == "token":
            arrived.append((time.perf_counter() - started) * 1000)
        elif event.event == "done":
            done = json.loads(event.data)
    if not done:
        raise ApiError("The stream broke off.")
    trace = await asking.api.call("GET", f"/chat/messages/{done['message_id']}/trace")
    checked = [
        sentence["at_ms"]
        for step in trace["steps"]
        if step["step"] == "generate"
        for sentence in step["sentences"]
        if sentence["kept"] and "at_ms" in sentence
    ]
    return [here - at for here, at in zip(arrived, checked, strict=False)]


async def _settled(asking: _Asking) -> None:
    """Leaves an answer's bookkeeping behind; a look at it goes through the same services as a question."""
    await asyncio.sleep(SETTLED_S)
    await asking.api.call("GET", f"/chat/messages/{asking.latest}/trace")


def _model_ms(step: dict[str, Any]) -> float:
    own = step.get("ms", 0.0) if step["step"] in MODEL_STEPS else 0.0
    return own + step.get("embed_ms", 0.0)


async def _passages(api: Api) -> list[DocumentParam]:
    found = await api.call("POST", "/search", json={"query": QUESTIONS[0], "top_k": 8})
    return [
        DocumentParam(id=number, title=result["title"], text=result["content"])
        for number, result in enumerate(found["results"], 1)
    ]
