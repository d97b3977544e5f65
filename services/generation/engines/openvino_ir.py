"""A GGUF file turned, once, into the form that OpenVINO loads fast (OpenVINO IR), beside the file.

Its weights are repacked on the way: see openvino_weights.py.
"""

import json
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from libs.inference.child import run_module
from libs.inference.openvino_runtime import import_openvino_genai
from libs.stores.converted import is_whole, land, sizes
from libs.stores.file_lock import locked
from services.generation.engines import openvino_weights
from services.generation.engines.gguf import ControlToken, read_header

_IR = "openvino"
_HEADER = "footnote.json"
# What openvino-genai reads. Of other types it takes the bytes for something else, or ends the process.
_ARCHITECTURES = ("llama", "qwen2", "qwen3")
_TENSOR_TYPES = ("F32", "F16", "Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K")


@dataclass(frozen=True)
class OpenVinoModel:
    """A converted model: the folder that OpenVINO loads and what the GGUF header said.

    `source` is the file's size and time of change; empty where an earlier version of ours converted it.
    """

    folder: Path
    name: str
    context_length: int
    control_tokens: tuple[ControlToken, ...]
    source: tuple[int, ...] = ()


class ConversionError(Exception):
    """OpenVINO could not convert the file."""


def folder_of_its_own(gguf: Path) -> Path:
    """Where the IR of a file goes that others stand beside."""
    return gguf.with_name(f"{gguf.name}.{_IR}")


def prepare(gguf: Path, folder: Path | None = None) -> OpenVinoModel:
    """The IR of `gguf` in `folder`, converted now where it isn't there or was made of another file or by an older
    OpenVINO. Without a `folder` it is beside the file, whose own folder then holds no other.

    The conversion is a process of its own, so that its memory goes back, and lands by a rename: what stands in the
    folder is whole. Of two callers at once the second waits. Raises ConversionError, or ValueError where the file isn't
    GGUF.
    """
    shared = folder is not None
    folder = folder or gguf.parent / _IR
    with locked(folder.with_name(f".{folder.name}.lock")):
        found = read_model(folder)
        if found and not (shared and found.source != _source(gguf)):
            return found
        _check(gguf)
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # of a conversion that was killed
        reason = run_module(__name__, str(gguf), str(partial))
        if reason is not None:
            raise ConversionError(f"{str(gguf)!r} could not be converted for OpenVINO: {reason}")
        shutil.rmtree(folder, ignore_errors=True)
        land(partial, folder)
        made = read_model(folder)
    if made is None:
        raise ConversionError(f"{str(folder)!r} changed while it was being made.")
    return made


def read_model(folder: Path) -> OpenVinoModel | None:
    """The model in `folder`; None where there is none, it was cut short, or it is of another version or form."""
    try:
        header = json.loads((folder / _HEADER).read_text())
        if header.pop("openvino_genai") != version("openvino-genai") or not is_whole(folder, header.pop("files", {})):
            return None
        if header.pop("weights") != openvino_weights.FORM:
            return None
        # An earlier version of ours didn't write whether a token is special.
        control_tokens = tuple(
            ControlToken(one["id"], one["text"], one["special"]) for one in header.pop("control_tokens")
        )
        source = tuple(header.pop("source", ()))
        return OpenVinoModel(folder=folder, control_tokens=control_tokens, source=source, **header)
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _source(gguf: Path) -> tuple[int, ...]:
    found = gguf.stat()
    return found.st_size, found.st_mtime_ns


def _check(gguf: Path) -> None:
    """Raises ConversionError for a model that OpenVINO can't read, ValueError for a file that is none."""
    header = read_header(gguf)
    if header.architecture not in _ARCHITECTURES:
        raise ConversionError(
            f"{str(gguf)!r} is a model of the architecture {header.architecture!r}; OpenVINO reads: "
            f"{', '.join(_ARCHITECTURES)}."
        )
    for kind, tensor in header.tensor_types.items():
        if kind not in _TENSOR_TYPES:
            raise ConversionError(
                f"{str(gguf)!r} has tensors of the type {kind} ({tensor!r}); OpenVINO reads: "
                f"{', '.join(_TENSOR_TYPES)}."
            )


def _convert(gguf: Path, folder: Path) -> None:
    read = read_header(gguf)
    tokens = [asdict(token) for token in read.control_tokens]
    header = {
        "openvino_genai": version("openvino-genai"),
        "name": read.name,
        "context_length": read.context_length,
        "control_tokens": tokens,
        "source": _source(gguf),
        "weights": openvino_weights.FORM,
    }
    folder.mkdir()
    link = folder / gguf.name  # OpenVINO saves beside the file that it is given
    link.symlink_to(gguf.resolve())
    genai = import_openvino_genai()
    genai.Tokenizer(str(link), enable_save_ov_model=True)
    scheduler = genai.SchedulerConfig()
    scheduler.num_kv_blocks = 1
    genai.ContinuousBatchingPipeline(str(link), scheduler, "CPU", {"enable_save_ov_model": True})
    link.unlink()
    openvino_weights.repack(folder)
    (folder / _HEADER).write_text(json.dumps(header | {"files": sizes(folder)}))


if __name__ == "__main__":
    _convert(Path(sys.argv[1]), Path(sys.argv[2]))
