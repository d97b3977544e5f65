"""A device whose memory is too small for a pass: torch's own error, from within a real model's forward pass."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from libs.inference.child import import_path_environment
from services.generation.engines import worker_protocol as protocol
from services.generation.engines.transformers_model import LoadedModel, fitting_dtype, load_model
from services.generation.engines.transformers_worker import STEP_TOKENS, TransformersDecoder
from tests.tiny_language_model import CONTEXT
from tests.unit.services.generation.engines.test_transformers_worker import command, expected, ids, prompt, written

BROKEN = """
import threading
from services.generation.engines.worker import serve
class Broken:
    control_tokens, context_tokens, busy = (), 512, False
    def encode(self, text): return [1]
    def decode(self, ids): return ""
    def chat(self, messages): return "x"
    def add(self, command, prompt): self.busy = True
    def step(self): raise RuntimeError("CUDA error: unspecified launch failure")
threading.Thread(target=threading.Event().wait).start()  # what waits for a device that gave up
serve(Broken)
"""


@pytest.fixture(scope="module")
def loaded(tiny_language_model: Path) -> LoadedModel:
    return load_model(tiny_language_model, torch.device("cpu"), torch.float32)


@contextmanager
def tight(loaded: LoadedModel, fits: Callable[[dict[str, Any]], bool]) -> Iterator[None]:
    """The model's second layer runs out of memory where the pass doesn't fit."""
    asked: dict[str, Any] = {}

    def look(_: object, __: object, arguments: dict[str, Any]) -> None:
        asked.update(arguments)

    def run_out(*_: object) -> None:
        if not fits(asked):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    hooks = [
        loaded.model.register_forward_pre_hook(look, with_kwargs=True),
        loaded.model.model.layers[1].register_forward_pre_hook(run_out),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@pytest.mark.parametrize("most", [1, 3, 100])
def test_what_is_too_much_for_one_pass_is_done_in_several(loaded: LoadedModel, most: int):
    prompts = [prompt(number, length) for number, length in enumerate((5, 1, STEP_TOKENS + 1, 40, 30))]
    wanted = [expected(loaded, start) for start in prompts]
    decoder = TransformersDecoder(loaded, context_tokens=CONTEXT, max_running=4)
    with tight(loaded, lambda asked: asked["input_ids"].numel() <= most):
        answers = written(decoder, *[(command(number), start) for number, start in enumerate(prompts)])
    assert [ids(answer) for answer in answers] == wanted


def test_an_answer_that_fits_no_more_is_given_up_and_no_other(loaded: LoadedModel):
    long, short = prompt(1, 100), prompt(2, 20)
    decoder = TransformersDecoder(loaded, context_tokens=CONTEXT, max_running=2)
    wanted = [ids(answer) for answer in written(decoder, (command(8), long), (command(9), short))]
    decoder.add(command(0), long)
    decoder.add(command(1), short)
    with tight(loaded, lambda asked: int(asked["position_ids"].max()) < 105):
        while decoder.busy:
            decoder.step()
    given_up, other = decoder.read(0), decoder.read(1)
    assert "too little memory" in given_up.failed
    assert ids(list(other.tokens)) == wanted[1]
    decoder.drop(0)
    decoder.drop(1)
    (again,) = written(decoder, (command(2), long))
    assert ids(again) == wanted[0]


def test_a_worker_whose_device_gave_up_ends_even_where_its_threads_dont():
    asked = protocol.Generate.model_validate(
        {**command(1).model_dump(), "messages": [{"role": "user", "content": "x"}]}
    )
    worker = subprocess.run(
        [sys.executable, "-c", BROKEN],
        input=asked.model_dump_json() + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=import_path_environment(),
    )
    assert worker.returncode == 1
    assert "CUDA error: unspecified launch failure" in worker.stderr


@pytest.mark.parametrize(("multiplies", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_that_only_emulates_bfloat16_runs_in_float16(
    monkeypatch: pytest.MonkeyPatch, multiplies: bool, dtype: torch.dtype
):
    """As torch tells it of a V100: supported, where emulation counts."""
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or multiplies
    )
    assert fitting_dtype(torch.device("cuda")) is dtype
