"""The benches run and print their ratios; speed itself is never asserted."""

import io

import pytest
from rich.console import Console

from scripts.bench.chat import bench_chat
from scripts.bench.embed import bench_embed, bench_rerank
from scripts.bench.search import bench_search
from tests.stack import Stack


@pytest.mark.parametrize("bench", [bench_embed, bench_rerank, bench_search, bench_chat])
async def test_a_bench_prints_each_figure_beside_its_floor(
    stack: Stack, bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_HOME", str(stack.settings.home))
    monkeypatch.setenv("FOOTNOTE_BASE_PORT", str(stack.settings.base_port))
    output = io.StringIO()
    await bench(Console(file=output, width=120), rounds=2)
    printed = output.getvalue()
    assert "×" in printed
    assert "p95" in printed
