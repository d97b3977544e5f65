"""`footnote bench ingest`: documents from being sent to being found, beside encoding the same passages and no more."""

import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.table import Table
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from libs.config.settings import Settings, load_settings
from libs.stores.weights import WeightsStore
from scripts.api import Api, ApiError
from scripts.bench.judged import handbook, scifact
from scripts.progress import bars, until_indexed
from scripts.sending import BATCH_DOCUMENTS
from scripts.stage import installation, organization
from services.embedding.tokenizer import TextTokenizer
from services.knowledge.chunking.chunks import chunk
from services.knowledge.chunking.context import embedded_text
from services.knowledge.parsing.document import ParseLimits
from services.knowledge.parsing.formats import markdown
from services.knowledge.tokens import TokenCounts

DOCUMENTS = 1_000
BATCH_SIZE = 32


async def bench_ingest(console: Console, data: Path | None = None, documents: int = DOCUMENTS) -> None:
    """Tokens a second, passages and headers included: half of the floor is measured before, half after."""
    judged = scifact(data, documents) if data else handbook()
    titled = [(f"{number} {text.splitlines()[0][:80]}", text) for number, text in enumerate(judged.documents)]
    async with installation(load_settings(), console) as settings, organization(settings, _name()) as api:
        disable_progress_bar()
        weights = WeightsStore(settings.models_dir).locate(settings.embedding.model)
        plain = SentenceTransformer(str(weights), device="cpu")
        texts = _embedded(settings, weights, titled)
        tokens = sum(map(len, TextTokenizer(weights).read(texts)))
        _encode(plain, texts[:BATCH_SIZE])
        half = len(texts) // 2
        floor_s = _encode(plain, texts[:half])
        pipeline_s = await _ingest(api, titled, console)
        floor_s += _encode(plain, texts[half:])
    table = Table(
        title=f"{judged.name}: {len(titled):,} documents, {len(texts):,} passages, {tokens:,} tokens",
        title_justify="left",
    )
    for column in ("", "seconds", "documents/s", "tokens/s", "×"):
        table.add_column(column, justify="right" if column else "left")
    for label, seconds in ((f"SentenceTransformer.encode, batches of {BATCH_SIZE}", floor_s), ("ingest", pipeline_s)):
        speed = (f"{len(titled) / seconds:.1f}", f"{tokens / seconds:,.0f}", f"{floor_s / seconds:.2f}")
        table.add_row(label, f"{seconds:.1f}", *speed)
    console.print(table)


def _name() -> str:
    """Of this run: what is indexed already would cost nothing."""
    return f"bench-ingest-{uuid4().hex[:8]}"


def _embedded(settings: Settings, weights: Path, titled: Sequence[tuple[str, str]]) -> list[str]:
    """What the worker will have embedded."""
    count, options = TokenCounts(weights), settings.ingestion
    return [
        embedded_text(title, one)
        for title, text in titled
        for one in chunk(
            markdown.parse(text.encode(), ParseLimits()),
            count,
            max_tokens=options.max_chunk_tokens,
            overlap_tokens=options.overlap_tokens,
        )
    ]


def _encode(model: SentenceTransformer, texts: list[str]) -> float:
    started = time.perf_counter()
    model.encode(texts, batch_size=BATCH_SIZE, normalize_embeddings=True, show_progress_bar=False)
    return time.perf_counter() - started


async def _ingest(api: Api, titled: Sequence[tuple[str, str]], console: Console) -> float:
    started = time.perf_counter()
    accepted: dict[str, str] = {}
    for start in range(0, len(titled), BATCH_DOCUMENTS):
        batch = [{"title": title, "text": text} for title, text in titled[start : start + BATCH_DOCUMENTS]]
        sent = await api.call("POST", "/documents/batch", json={"documents": batch})
        accepted |= {item["document_id"]: one["title"] for item, one in zip(sent["items"], batch, strict=True)}
    with bars(console) as shown:
        indexed = await until_indexed(api, accepted, shown)
    if indexed.failed:
        raise ApiError(f"{len(indexed.failed)} documents failed, the first with: {indexed.failed[0][1]}")
    return time.perf_counter() - started
