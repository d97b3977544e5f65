"""What makes a measurement of one machine say nothing of another."""

from typing import Any

import pytest

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
