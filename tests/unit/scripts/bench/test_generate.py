"""What the bench's own service runs: the engine that it is measured beside."""

import pytest

from libs.config.generation import GenerationModel
from libs.config.settings import load_settings
from scripts.bench.generate import SERVED, EngineKind, service_environment


@pytest.mark.parametrize("kind", ["openvino", "transformers"])
def test_an_answer_over_http_is_of_the_engine_that_it_is_held_to(kind: EngineKind, monkeypatch: pytest.MonkeyPatch):
    for name, value in service_environment(kind, "smollm2").items():
        monkeypatch.setenv(name, value)
    generation = load_settings().generation
    served = GenerationModel(engine=kind, weights="smollm2", context_tokens=2048, max_waiting=8)
    assert (generation.engine, generation.models) == ("extractive", {SERVED: served})
