"""Which backends' vectors are good enough to be served: by the conversion's check, and as measured on this machine.

`footnote models optimize` leaves what it measured beside the IR, so that it goes when other weights, another recipe or
another OpenVINO make the IR anew, and with the machine, so that a disk that moves takes no choice along. See
docs/decisions/0010-embedding-backends.md.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from libs.inference.machine import Machine, this_machine
from services.embedding.folders import ModelFolder

Backend = Literal["torch", "torch-cuda", "openvino-float32", "openvino-bfloat16", "openvino-int8"]

# Of a backend's vectors to float32's, and of the ranking by them below that by float32's.
LEAST_MEAN_COSINE = 0.99
LEAST_COSINE = 0.98
MOST_NDCG_LOSS = 0.005

IR = "openvino"
_VERDICTS = "measured.json"


class Verdict(BaseModel):
    """Whether a backend passed, and its tokens a processor second."""

    passes: bool
    tokens_per_cpu_s: float


class _Measured(BaseModel):
    """Files of former versions don't say which machine it was."""

    weights_sha256: str
    backends: dict[Backend, Verdict]
    machine: Machine | None = None


def good_enough(mean_cosine: float, least_cosine: float, ndcg_change: float = 0.0) -> bool:
    """Whether a backend passes the gate; `ndcg_change` where its ranking was measured."""
    return mean_cosine >= LEAST_MEAN_COSINE and least_cosine >= LEAST_COSINE and ndcg_change >= -MOST_NDCG_LOSS


def best_first(verdicts: Mapping[Backend, Verdict], usual: Sequence[Backend] = ()) -> list[Backend]:
    """What passed, a GPU first, then by tokens a processor second; then those of `usual` that have no verdict."""
    passing: list[Backend] = [backend for backend, verdict in verdicts.items() if verdict.passes]
    passing.sort(key=lambda one: (one != "torch-cuda", -verdicts[one].tokens_per_cpu_s))
    return [*passing, *(backend for backend in usual if backend not in verdicts)]


def write_verdicts(folder: ModelFolder, verdicts: Mapping[Backend, Verdict]) -> Path:
    """The file they are in now, as measured on this machine. Raises OSError where the folder can't be written."""
    place = folder.path / IR / _VERDICTS
    place.parent.mkdir(exist_ok=True)
    partial = place.with_suffix(".partial")
    measured = _Measured(weights_sha256=folder.digest, backends=dict(verdicts), machine=this_machine())
    partial.write_text(measured.model_dump_json(indent=2))
    partial.replace(place)
    return place


def read_verdicts(folder: ModelFolder) -> dict[Backend, Verdict]:
    """Empty where nothing was measured, or other weights were, or on another machine."""
    measured = _measured(folder)
    if measured is None or measured.machine is None or measured.machine.differences(this_machine()):
        return {}
    return measured.backends


def measured_elsewhere(folder: ModelFolder) -> str | None:
    """In words, what makes a measurement of these weights say nothing of this machine; None where that isn't so."""
    measured = _measured(folder)
    if measured is None:
        return None
    if measured.machine is None:
        return "it doesn't say on which machine it was made"
    return "; ".join(measured.machine.differences(this_machine())) or None


def _measured(folder: ModelFolder) -> _Measured | None:
    try:
        measured = _Measured.model_validate_json((folder.path / IR / _VERDICTS).read_bytes())
    except (OSError, ValidationError):
        return None
    return measured if measured.weights_sha256 == folder.digest else None
