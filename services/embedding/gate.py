"""Which backends' vectors are good enough to be served: by the conversion's check, and as measured on this machine.

`footnote models optimize` leaves what it measured beside the IR, so that it goes when other weights, another recipe or
another OpenVINO make the IR anew. See docs/decisions/0010-embedding-backends.md.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

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
    weights_sha256: str
    backends: dict[Backend, Verdict]


def good_enough(mean_cosine: float, least_cosine: float, ndcg_change: float = 0.0) -> bool:
    """Whether a backend passes the gate; `ndcg_change` where its ranking was measured."""
    return mean_cosine >= LEAST_MEAN_COSINE and least_cosine >= LEAST_COSINE and ndcg_change >= -MOST_NDCG_LOSS


def best_first(verdicts: Mapping[Backend, Verdict], usual: Sequence[Backend] = ()) -> list[Backend]:
    """What passed, a GPU first, then by tokens a processor second; then those of `usual` that have no verdict."""
    passing: list[Backend] = [backend for backend, verdict in verdicts.items() if verdict.passes]
    passing.sort(key=lambda one: (one != "torch-cuda", -verdicts[one].tokens_per_cpu_s))
    return [*passing, *(backend for backend in usual if backend not in verdicts)]


def write_verdicts(folder: ModelFolder, verdicts: Mapping[Backend, Verdict]) -> Path:
    """The file they are in now. Raises OSError where the model's folder can't be written."""
    place = folder.path / IR / _VERDICTS
    place.parent.mkdir(exist_ok=True)
    partial = place.with_suffix(".partial")
    partial.write_text(_Measured(weights_sha256=folder.digest, backends=dict(verdicts)).model_dump_json(indent=2))
    partial.replace(place)
    return place


def read_verdicts(folder: ModelFolder) -> dict[Backend, Verdict]:
    """Empty where nothing was measured, or other weights were."""
    try:
        measured = _Measured.model_validate_json((folder.path / IR / _VERDICTS).read_bytes())
    except (OSError, ValidationError):
        return {}
    return measured.backends if measured.weights_sha256 == folder.digest else {}
