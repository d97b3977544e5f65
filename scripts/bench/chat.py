"""`footnote bench chat`: whole answers through the gateway beside a bare route and the engine called directly."""

from itertools import count

from rich.console import Console

from libs.clients.base import ServiceClient, service_http
from libs.clients.generation import GenerationClient
from libs.contracts.completions import ChatMessageParam, CompletionRequest, DocumentParam
from libs.security.keys import OPERATOR
from libs.security.tokens import ServiceTokens
from scripts.api import Api, ApiError
from scripts.bench.floor import floor_route
from scripts.bench.measure import at_once, in_turn, print_latency, print_rates
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


async def bench_chat(console: Console, rounds: int = ROUNDS) -> None:
    """Also counts what was acknowledged and what failed, so that services may be killed while it runs."""
    async with (
        stage(console) as (settings, api),
        floor_route(settings, free_base_port()) as bare,
        service_http() as http,
    ):
        tokens = ServiceTokens(OPERATOR, settings.secrets_dir)
        generation = GenerationClient(ServiceClient("generation", settings.url("generation"), tokens, http))
        passages = await _passages(api)
        numbers = count()
        failures: list[str] = []

        def question() -> str:
            number = next(numbers)
            return f"{QUESTIONS[number % len(QUESTIONS)]} ({number})"

        async def floor() -> object:
            return await bare.get("/")

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
        bare_times, engine_times, chat_times = await in_turn(
            {"bare FastAPI + Redis": floor, "the engine, called directly": engine, "POST /chat": chat}, rounds
        )
        print_latency(console, "One client, beside a bare route", bare_times, [engine_times, chat_times])
        print_latency(console, "One client, beside the engine", engine_times, [chat_times])
        engine_rate = await at_once("the engine, called directly", [engine] * rounds * 2, CLIENTS)
        chat_rate = await at_once("POST /chat", [chat] * rounds * 2, CLIENTS)
        print_rates(console, f"{CLIENTS} clients", engine_rate, [chat_rate])
        asked = 1 + rounds + rounds * 2
        console.print(f"{asked - len(failures)} of {asked} answers acknowledged; failed: {failures or 'none'}")


async def _passages(api: Api) -> list[DocumentParam]:
    found = await api.call("POST", "/search", json={"query": QUESTIONS[0], "top_k": 8})
    return [
        DocumentParam(id=number, title=result["title"], text=result["content"])
        for number, result in enumerate(found["results"], 1)
    ]
