"""What makes a measurement of one machine say nothing of another."""

from pathlib import Path
from typing import Any

import pytest

from libs.inference import machine
from libs.inference.machine import Machine, this_machine

SERVER = Machine(
    processor="Intel Xeon",
    cores=2,
    instructions=["avx2", "avx512_vnni"],
    gpus=["NVIDIA A10"],
    libraries={"openvino": "2026.1", "torch": "2.13.0"},
)


def test_this_machine_says_what_it_is():
    here = this_machine()
    assert here.processor
    assert here.cores >= 1
    assert not {"smep", "sse2"} & {*here.instructions}
    assert {"openvino", "torch"} <= here.libraries.keys()
    assert here.differences(this_machine()) == []


@pytest.mark.parametrize(
    ("cpuinfo", "instructions"),
    [
        ("model name : AMD EPYC\nflags : fpu sse2 sse4_2 avx2 fma f16c smep sme sev\n", "avx2 f16c fma sse4_2"),
        ("Features : fp asimd sve sme bf16 i8mm\nCPU implementer : 0x41\n", "asimd bf16 i8mm sme sve"),
    ],
)
def test_what_multiplies_matrices_is_told_from_what_encrypts_memory(
    cpuinfo: str, instructions: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "cpuinfo")
    assert this_machine().instructions == instructions.split()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"processor": "AMD EPYC"}, ["AMD EPYC instead of Intel Xeon"]),
        ({"instructions": ["amx_int8", "avx2"]}, ["without avx512_vnni", "with amx_int8 besides"]),
        ({"gpus": []}, ["the GPUs none instead of NVIDIA A10"]),
        ({"libraries": {"torch": "2.14.0"}}, ["openvino absent instead of 2026.1", "torch 2.14.0 instead of 2.13.0"]),
        ({"cores": 64}, []),
    ],
)
def test_differences_are_told_in_words(changed: dict[str, Any], told: list[str]):
    assert SERVER.differences(SERVER.model_copy(update=changed)) == told
