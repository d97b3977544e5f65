"""Where torch runs a model and in which precision, by what the machine has."""

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from libs.config.settings import load_settings
from services.embedding.adapters.sentence_transformer import chosen_device, product_type


def machine(*, gpu: bool = False, gpu_bfloat16: bool = False, processor: tuple[str, ...] = ()) -> Any:
    """What of torch says what there is."""
    return SimpleNamespace(
        bfloat16="bfloat16",
        float16="float16",
        float32="float32",
        cuda=SimpleNamespace(
            is_available=lambda: gpu,
            is_bf16_supported=lambda including_emulation: gpu_bfloat16 and not including_emulation,
        ),
        cpu=SimpleNamespace(get_capabilities=lambda: dict.fromkeys(processor, True)),
    )


def test_a_gpu_is_taken_where_there_is_one():
    assert chosen_device(machine(gpu=True), "auto") == "cuda"
    assert chosen_device(machine(), "auto") == "cpu"
    assert chosen_device(machine(gpu=True), "cpu") == "cpu"


def test_a_gpu_that_is_asked_for_and_absent_is_an_error_that_says_what_to_set():
    with pytest.raises(RuntimeError, match=r"embedding\.backend"):
        chosen_device(machine(), "cuda")


def test_products_are_in_the_narrowest_type_that_the_device_multiplies_itself():
    assert product_type(machine(gpu=True, gpu_bfloat16=True), "cuda") == "bfloat16"
    assert product_type(machine(gpu=True), "cuda") == "float16"
    assert product_type(machine(processor=("amx_bf16",)), "cpu") == "bfloat16"
    assert product_type(machine(), "cpu") == "float32"


@pytest.mark.parametrize("name", ["../minilm", "/etc/passwd", "a/b", "a\\b", ".hidden", "", "x" * 101])
def test_settings_take_no_path_for_a_models_name(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOOTNOTE_EMBEDDING__MODEL", name)
    with pytest.raises(ValidationError, match=r"embedding\.model"):
        load_settings()
