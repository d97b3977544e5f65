"""What was measured on this machine, as it lies beside the model."""

import json
from pathlib import Path

import pytest

from services.embedding.folders import ModelFolder
from services.embedding.gate import (
    Backend,
    Verdict,
    best_first,
    good_enough,
    measured_elsewhere,
    read_verdicts,
    write_verdicts,
)

VERDICTS: dict[Backend, Verdict] = {
    "torch": Verdict(passes=True, tokens_per_cpu_s=100),
    "torch-cuda": Verdict(passes=True, tokens_per_cpu_s=1),
    "openvino-float32": Verdict(passes=True, tokens_per_cpu_s=300),
    "openvino-int8": Verdict(passes=False, tokens_per_cpu_s=900),
}


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    return ModelFolder("mine", "mine", tmp_path, "a" * 64)


def test_what_was_written_is_read(folder: ModelFolder):
    assert read_verdicts(folder) == {}
    write_verdicts(folder, VERDICTS)
    assert read_verdicts(folder) == VERDICTS
    write_verdicts(folder, {})
    assert read_verdicts(folder) == {}


def test_what_was_measured_of_other_weights_says_nothing(folder: ModelFolder):
    write_verdicts(folder, VERDICTS)
    assert read_verdicts(ModelFolder(folder.name, folder.id, folder.path, "b" * 64)) == {}


def test_what_was_measured_on_another_machine_says_nothing_and_is_told(folder: ModelFolder):
    place = write_verdicts(folder, VERDICTS)
    assert measured_elsewhere(folder) is None
    measured = json.loads(place.read_text())
    measured["machine"] |= {
        "processor": "AMD EPYC 7763",
        "instructions": [*measured["machine"]["instructions"], "amx_x"],
    }
    place.write_text(json.dumps(measured))
    assert read_verdicts(folder) == {}
    told = measured_elsewhere(folder) or ""
    assert "instead of AMD EPYC 7763" in told
    assert "without amx_x" in told


def test_what_was_measured_on_an_unknown_machine_says_nothing_and_is_told(folder: ModelFolder):
    place = write_verdicts(folder, VERDICTS)
    measured = json.loads(place.read_text())
    del measured["machine"]
    place.write_text(json.dumps(measured))
    assert read_verdicts(folder) == {}
    assert "doesn't say" in (measured_elsewhere(folder) or "")


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\0", b"[]", b'{"weights_sha256": 1}', None])
def test_a_damaged_file_says_nothing(folder: ModelFolder, damage: bytes | None):
    place = write_verdicts(folder, VERDICTS)
    whole = place.read_bytes()
    place.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert read_verdicts(folder) == {}


def test_a_gpu_comes_first_then_the_fastest_and_what_failed_never():
    assert best_first(VERDICTS) == ["torch-cuda", "openvino-float32", "torch"]
    assert best_first(VERDICTS, ["openvino-int8", "openvino-bfloat16", "torch"])[3:] == ["openvino-bfloat16"]


@pytest.mark.parametrize(
    ("mean", "least", "ndcg_change", "passes"),
    [
        (0.995, 0.985, -0.004, True),
        (0.989, 0.985, 0.0, False),
        (0.995, 0.97, 0.0, False),
        (0.995, 0.985, -0.006, False),
        (float("nan"), float("nan"), 0.0, False),
    ],
)
def test_the_gate(mean: float, least: float, ndcg_change: float, passes: bool):
    assert good_enough(mean, least, ndcg_change) is passes
