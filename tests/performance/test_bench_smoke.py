"""The benches run and print their ratios; speed itself is never asserted."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from libs.stores.weights import WeightsStore
from scripts.bench.chat import bench_chat
from scripts.bench.embed import bench_embed, bench_rerank
from scripts.bench.generate import bench_generate
from scripts.bench.search import bench_search
from tests.stack import Stack


@pytest.mark.parametrize("bench", [bench_embed, bench_rerank, bench_search, bench_chat])
async def test_a_bench_prints_each_figure_beside_its_floor(
    stack: Stack, bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_HOME", str(stack.settings.home))
    monkeypatch.setenv("FOOTNOTE_BASE_PORT", str(stack.settings.base_port))
    monkeypatch.setattr("scripts.bench.embed.BULK_TEXTS", 16)
    monkeypatch.setattr("scripts.bench.chat.SETTLED_S", 0)
    output = io.StringIO()
    await bench(Console(file=output, width=120), rounds=2)
    printed = output.getvalue()
    assert "×" in printed
    assert "p95" in printed


async def test_generation_is_measured_beside_its_bounds(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without transformers' generate, which a test of its own covers."""
    WeightsStore(models_dir).fetch("smollm2")
    monkeypatch.setenv("FOOTNOTE_MODELS_DIR", str(models_dir))
    monkeypatch.setattr("scripts.bench.generate.SHORT_PROMPT_WORDS", 5)
    output = io.StringIO()
    await bench_generate(Console(file=output, width=120), rounds=1, with_floor=False, prompt_words=10, out_tokens=3)
    printed = output.getvalue()
    assert "8 sharing" in printed
    assert "over HTTP" in printed
    assert "p95 ×" in printed
