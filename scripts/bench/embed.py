"""`footnote bench embed` and `footnote bench rerank`: the embedding service beside the same weights in this process."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from rich.console import Console
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from libs.clients.base import ServiceClient, service_http
from libs.clients.context import RequestContext, use_context
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import REPOSITORY
from libs.inference.late_interaction import maxsim
from libs.security.keys import OPERATOR
from libs.security.tokens import ServiceTokens
from libs.stores.weights import WeightsStore
from scripts.bench.gpu import print_gpu
from scripts.bench.measure import Call, at_once, in_turn, print_latency, print_rates
from scripts.stage import stage
from services.embedding.backends import load_model
from services.embedding.folders import locate
from services.embedding.ports import EmbeddingModel

ROUNDS = 100
CLIENTS = 32
BULK_TEXTS = 256
BATCH_SIZE = 32
# Paragraphs that fill about one batch of 1,024 tokens.
BATCH_TEXTS = 12
INGESTING = 4
RERANKED = 50
CUDA = "torch-cuda"


async def bench_embed(console: Console, rounds: int = ROUNDS) -> None:
    """Single short texts one after another, the same from 32 clients at once, and whole passages in bulk."""
    async with stage(console) as (settings, _api), service_http() as http:
        disable_progress_bar()
        plain = SentenceTransformer(
            str(locate(settings.embedding.model, WeightsStore(settings.models_dir)).path), device="cpu"
        )
        tokens = ServiceTokens(OPERATOR, settings.secrets_dir)
        service = EmbeddingClient(ServiceClient("embedding", settings.url("embedding"), tokens, http))
        texts = _texts()
        short = iter(f"{number} {text[:60]}" for number, text in enumerate(texts * 40))

        async def encode_one() -> object:
            return await asyncio.to_thread(_encode, plain, [next(short)])

        async def embed_one() -> object:
            return await service.embed([next(short)])

        await encode_one()
        floor, over_http = await in_turn(
            {"SentenceTransformer.encode": encode_one, "embedding service": embed_one}, rounds
        )
        print_latency(console, "One short text at a time", floor, [over_http])

        one_by_one = await at_once("encode, one by one", [encode_one] * rounds * 4, 1)
        concurrent = await at_once(f"service, {CLIENTS} clients", [embed_one] * rounds * 4, CLIENTS)
        print_rates(console, "Short texts", one_by_one, [concurrent])

        numbers = count()

        def passages() -> list[str]:
            number = next(numbers)
            return [f"{number} {text}" for text in (texts * (BULK_TEXTS // len(texts) + 1))[:BULK_TEXTS]]

        def encode_bulk() -> Awaitable[object]:
            return asyncio.to_thread(_encode, plain, passages())

        def embed_bulk() -> Awaitable[object]:
            return service.embed(passages())

        bulk_floor, bulk = await in_turn(
            {f"encode, batches of {BATCH_SIZE}": encode_bulk, "service, one request": embed_bulk}, max(1, rounds // 30)
        )
        print_rates(console, "Passages in bulk", bulk_floor, [bulk], BULK_TEXTS)

        own = load_model(settings.embedding.backend, settings.embedding.model, WeightsStore(settings.models_dir))

        async def run_one() -> object:
            return await asyncio.to_thread(_run, own, [next(short)])

        in_process, over_http = await in_turn({"the same backend, in process": run_one, "over HTTP": embed_one}, rounds)
        print_latency(console, "HTTP overhead", in_process, [over_http])
        console.print(f"HTTP adds {over_http.median_ms - in_process.median_ms:.1f} ms to the median.", highlight=False)
        if own.backend == CUDA:
            print_gpu(console, own, texts)
        await _queries_while_ingestion_saturates(console, service, embed_one, passages, rounds)


async def bench_rerank(console: Console, rounds: int = ROUNDS) -> None:
    """Fifty passages ranked for a query: encoded anew by the service, and by stored token vectors."""
    async with stage(console) as (settings, _api), service_http() as http:
        tokens = ServiceTokens(OPERATOR, settings.secrets_dir)
        service = EmbeddingClient(ServiceClient("embedding", settings.url("embedding"), tokens, http))
        passages = ["\n\n".join(_texts()[start : start + 3]) for start in range(RERANKED)]
        stored = await service.embed_passages(passages)
        numbers = count()

        async def encode_anew() -> object:
            return await service.rerank(f"How long does token {next(numbers)} live?", passages)

        async def compare_stored() -> object:
            query = await service.embed_query(f"How long does token {next(numbers)} live?")
            return maxsim(query.tokens, stored.tokens)

        anew, compared = await in_turn(
            {"POST /rerank": encode_anew, "query encoded, stored token vectors": compare_stored}, max(1, rounds // 5)
        )
        print_latency(console, f"{RERANKED} passages", anew, [compared])
        size = sum(map(len, stored.tokens)) / RERANKED
        console.print(f"Token vectors take {size:,.0f} bytes a passage.", highlight=False)


async def _queries_while_ingestion_saturates(
    console: Console, service: EmbeddingClient, query: Call, passages: Callable[[], list[str]], rounds: int
) -> None:
    idle = await at_once("idle", [query] * rounds, 1)
    batch = await at_once("one batch", [lambda: service.embed(passages()[:BATCH_TEXTS])] * 5, 1)
    stopped = asyncio.Event()

    async def ingest() -> None:
        with use_context(RequestContext(lane="ingest")):
            while not stopped.is_set():
                await service.embed(passages())

    ingesting = [asyncio.create_task(ingest()) for _ in range(INGESTING)]
    saturated = await at_once("while ingestion saturates", [query] * rounds, 1)
    stopped.set()
    await asyncio.gather(*ingesting)
    print_latency(console, "A query beside ingestion", idle, [saturated])
    allowed = 2 * idle.p95_ms + batch.median_ms
    console.print(f"Twice the idle p95 and one batch are {allowed:.1f} ms.", highlight=False)


def _run(model: EmbeddingModel, texts: list[str]) -> object:
    return model.encode(model.tokenizer.read(texts))


def _encode(model: SentenceTransformer, texts: list[str]) -> Any:
    return model.encode(texts, batch_size=BATCH_SIZE, show_progress_bar=False)


def _texts() -> list[str]:
    """The handbook's paragraphs."""
    pages = sorted((REPOSITORY / "docs" / "handbook").glob("*.md"))
    return [part for page in pages for part in page.read_text().split("\n\n") if len(part) > 80]  # noqa: PLR2004 - shorter is a heading
