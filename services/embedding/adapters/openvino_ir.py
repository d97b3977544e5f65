"""Weights turned, once, into OpenVINO's own form (IR), as float32 and as calibrated int8, beside the weights.

Their place is `openvino` in the weights' folder, their header `footnote.json` says what they were made from.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from libs.config.settings import REPOSITORY
from libs.inference.child import run_module
from libs.inference.machine import this_machine
from libs.stores.converted import is_whole, land, sizes
from libs.stores.file_lock import locked
from services.embedding.folders import ModelFolder
from services.embedding.gate import IR, good_enough

# How a model becomes int8; another recipe gives other vectors. See docs/decisions/0010-embedding-backends.md.
RECIPE = "smooth 0.7, minmax, 64 texts"

_HEADER = "footnote.json"
_CONVERTER = "services.embedding.adapters.openvino_conversion"


@dataclass(frozen=True)
class Header:
    """What an IR was made from and with, and how near int8's vectors come to float32's, over texts held out.

    `files` has each file's bytes, `instructions` what the processor had on which int8 was compared: another may
    round, or overflow, otherwise. Headers of former versions say nothing of them.
    """

    weights_sha256: str
    calibration_sha256: str
    recipe: str
    openvino: str
    nncf: str
    mean_cosine: float
    least_cosine: float
    files: Mapping[str, int] | None = None
    instructions: Sequence[str] | None = None

    @property
    def int8_passes(self) -> bool:
        return good_enough(self.mean_cosine, self.least_cosine)

    @property
    def compared_elsewhere(self) -> bool:
        """Whether on a processor with other instruction sets than this machine's; not where that isn't known."""
        return self.instructions is not None and [*self.instructions] != this_machine().instructions

    @property
    def int8_revision(self) -> str:
        """Names the int8 vectors: the weights and all that the calibration depends on."""
        made_from = f"{self.calibration_sha256}\n{self.recipe}\n{self.openvino}\n{self.nncf}"
        return hashlib.sha256(made_from.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class OpenVinoIr:
    float32: Path
    int8: Path
    header: Header


class ConversionError(Exception):
    """The weights could not be converted."""


def prepare(weights: ModelFolder) -> OpenVinoIr:
    """The IR of the weights, made now where it isn't there, or was made from other weights or by other versions.

    Takes about ten seconds and 0.9 GB for a small model, in a process of its own, so that its memory goes back. It
    lands by one rename: what stands in the folder is whole, and one with a damaged file is made anew. Of two callers at
    once the second waits. Raises ConversionError, and OSError where the folder can't be written.
    """
    folder, name = weights.path, weights.name
    found = read_ir(folder / IR, weights)
    if found:
        return found
    with locked(folder / f".{IR}.lock"):
        found = read_ir(folder / IR, weights)
        if found:
            return found
        partial = folder / f".{IR}.partial"
        shutil.rmtree(partial, ignore_errors=True)  # of a conversion that was killed
        reason = run_module(_CONVERTER, str(folder), str(partial), weights.digest)
        if reason is not None:
            raise ConversionError(f"The weights {name!r} could not be converted for OpenVINO: {reason}")
        shutil.rmtree(folder / IR, ignore_errors=True)
        land(partial, folder / IR)
        made = read_ir(folder / IR, weights)
    if made is None:
        raise ConversionError(f"{str(folder / IR)!r} changed while it was being made.")
    return made


def calibration_pages() -> list[str]:
    """The handbook, a page each: what the calibration reads, since every installation has it."""
    return [page.read_text(encoding="utf-8") for page in sorted((REPOSITORY / "docs" / "handbook").glob("*.md"))]


def write_header(folder: Path, header: Header) -> None:
    """The last file of the folder: it holds the sizes of the others."""
    (folder / _HEADER).write_text(json.dumps(asdict(header) | {"files": sizes(folder)}, indent=2))


def versions() -> tuple[str, str]:
    return version("openvino"), version("nncf")


def read_ir(folder: Path, weights: ModelFolder) -> OpenVinoIr | None:
    """None where there is none, not all of it, or one that other weights, another recipe or other versions made.

    A changed handbook doesn't count: what it was calibrated with is in its revision.
    """
    try:
        header = Header(**json.loads((folder / _HEADER).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    if (header.openvino, header.nncf) != versions() or header.recipe != RECIPE:
        return None
    if header.weights_sha256 != weights.digest:
        return None
    if header.files is not None and not (isinstance(header.files, dict) and is_whole(folder, header.files)):
        return None
    return OpenVinoIr(folder / "float32.xml", folder / "int8.xml", header)
