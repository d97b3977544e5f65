"""`footnote bench embed`: the embedding service beside plain SentenceTransformer.encode on the same weights."""

import asyncio
from collections.abc import Awaitable
from itertools import count
from typing import Any

from rich.console import Console
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from libs.clients.base import ServiceClient, service_http
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import REPOSITORY
from libs.security.keys import OPERATOR
from libs.security.tokens import ServiceTokens
from libs.stores.weights import WeightsStore
from scripts.bench.measure import at_once, in_turn, print_latency, print_rates
from scripts.stage import stage

ROUNDS = 100
CLIENTS = 32
BULK_TEXTS = 256
BATCH_SIZE = 32


async def bench_embed(console: Console, rounds: int = ROUNDS) -> None:
    """Single short texts one after another, the same from 32 clients at once, and whole passages in bulk."""
    async with stage(console) as (settings, _api), service_http() as http:
        disable_progress_bar()
        plain = SentenceTransformer(
            str(WeightsStore(settings.models_dir).locate(settings.embedding.model)), device="cpu"
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


def _encode(model: SentenceTransformer, texts: list[str]) -> Any:
    return model.encode(texts, batch_size=BATCH_SIZE, show_progress_bar=False)


def _texts() -> list[str]:
    """The handbook's paragraphs."""
    pages = sorted((REPOSITORY / "docs" / "handbook").glob("*.md"))
    return [part for page in pages for part in page.read_text().split("\n\n") if len(part) > 80]  # noqa: PLR2004
