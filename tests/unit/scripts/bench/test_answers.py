import io
from pathlib import Path

import pytest
from rich.console import Console

from scripts.bench.answers import Answer, Prompts, Ratio, print_ratios
from scripts.bench.generate_floor import Floor, bandwidth_share
from services.generation.engines.transformers_model import load_model


def test_rates_leave_the_first_token_to_the_prompt():
    answer = Answer(prompt_tokens=100, tokens=11, first_s=0.5, total_s=2.5)
    assert (answer.prompt_per_s, answer.out_per_s) == (200, 5)


def test_a_ratio_is_judged_by_its_median_and_shows_its_bad_end():
    rounds = [1.0, 2.0, 3.0]
    least, most = Ratio("rate", 2, rounds), Ratio("overhead", 1.9, rounds, at_most=True)
    assert (least.median, least.p95, least.holds) == (2, 1, True)
    assert (most.median, most.p95, most.holds) == (2, 3, False)
    output = io.StringIO()
    print_ratios(Console(file=output, width=100), "title", [least, most])
    assert "≥ 2" in output.getvalue()
    assert "≤ 1.9" in output.getvalue()


def test_no_two_prompts_begin_the_same():
    prompts = Prompts(5)
    assert len({prompts.one().split(".")[0] for _ in range(50)}) == 50
    assert Prompts.about("c", 1) != Prompts.about("c", 2)


def test_a_step_moves_the_weights_once_and_every_context():
    assert bandwidth_share(10, 1, weight_bytes=90, context_bytes=10, bytes_per_s=2000) == pytest.approx(0.5)
    assert bandwidth_share(80, 8, weight_bytes=90, context_bytes=10, bytes_per_s=2000) == pytest.approx(0.85)


def test_generate_is_timed_token_by_token(tiny_language_model: Path):
    import torch

    loaded = load_model(tiny_language_model, torch.device("cpu"), torch.float32)
    floor = Floor(loaded)
    answer = floor.answer("Why?", 5)
    assert answer.tokens == 5
    assert 0 < answer.first_s < answer.total_s
    assert answer.prompt_tokens == len(loaded.encode(loaded.chat([{"role": "user", "content": "Why?"}])))
    assert not floor.on_gpu
    assert floor.bandwidth_share(10, 1, 100) is None
    floor.bytes_per_s = 1e9
    # Two layers, two heads of 12 numbers of four bytes, keys and values.
    share = 10 * (loaded.weight_bytes + 100 * 2 * 2 * 2 * 12 * 4) / 1e9
    assert floor.bandwidth_share(10, 1, 100) == pytest.approx(share)
