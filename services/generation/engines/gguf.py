"""The part of a GGUF file's header that a chat engine needs.

Format: github.com/ggml-org/ggml, docs/gguf.md, versions 2 and 3 (little-endian).
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_CONTROL_TOKEN, _USER_DEFINED_TOKEN = 3, 4

# ggml.h, enum ggml_type.
_TENSOR_TYPES = (
    {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K"}
    | {12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S"}
    | {20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0"}
    | {39: "MXFP4"}
)

_Value = bool | int | float | str | list["_Value"]


@dataclass(frozen=True)
class ControlToken:
    """A token that the tokenizer finds in any text, wherever its characters stand.

    One that isn't `special`, such as Qwen3's `<think>`, has a place inside an answer; any other ends it.
    """

    id: int
    text: str
    special: bool = True


@dataclass(frozen=True)
class GgufHeader:
    """`context_length` is the tokens the model was trained for, of prompt and answer together.

    `tensor_types` are those of its weights, by ggml's names, each with the first tensor that has it.
    """

    name: str
    architecture: str
    context_length: int
    control_tokens: tuple[ControlToken, ...]
    tensor_types: dict[str, str]


def read_header(path: Path) -> GgufHeader:
    """Raises ValueError where the file isn't GGUF or lacks a key that we need."""
    try:
        metadata, tensor_types = _read(path)
    except struct.error:
        raise ValueError(f"{str(path)!r} breaks off within its header.") from None
    try:
        architecture = metadata["general.architecture"]
        context_length = metadata[f"{architecture}.context_length"]
        tokens, kinds = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    except KeyError as missing:
        raise ValueError(f"{str(path)!r} has no {missing} in its header.") from None
    if not (isinstance(context_length, int) and isinstance(tokens, list) and isinstance(kinds, list)):
        raise ValueError(f"{str(path)!r} has keys of another type than GGUF's.")  # noqa: TRY004 - the file is wrong
    control = [
        ControlToken(number, str(tokens[number]), special=kind == _CONTROL_TOKEN)
        for number, kind in enumerate(kinds)
        if kind in (_CONTROL_TOKEN, _USER_DEFINED_TOKEN)
    ]
    name = str(metadata.get("general.name", path.stem))
    return GgufHeader(name, str(architecture), context_length, tuple(control), tensor_types)


def _read(path: Path) -> tuple[dict[str, _Value], dict[str, str]]:
    with path.open("rb") as file:
        if file.read(4) != _MAGIC:
            raise ValueError(f"{str(path)!r} isn't a GGUF file.")
        version = _integer(file, "<I")
        if version not in _VERSIONS:
            raise ValueError(f"{str(path)!r} is GGUF version {version}; known: {_VERSIONS}.")
        tensors, pairs = _integer(file, "<Q"), _integer(file, "<Q")
        metadata = {_string(file): _value(file, _integer(file, "<I")) for _ in range(pairs)}
        tensor_types: dict[str, str] = {}
        for _ in range(tensors):
            name, dimensions = _string(file), _integer(file, "<I")
            file.seek(8 * dimensions, 1)
            kind = _integer(file, "<I")
            file.seek(8, 1)  # where its data begins
            tensor_types.setdefault(_TENSOR_TYPES.get(kind, f"type {kind}"), name)
        return metadata, tensor_types


def _integer(file: IO[bytes], form: str) -> int:
    return int(struct.unpack(form, file.read(struct.calcsize(form)))[0])


def _string(file: IO[bytes]) -> str:
    return file.read(_integer(file, "<Q")).decode("utf-8", "replace")


def _value(file: IO[bytes], kind: int) -> _Value:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        item, count = _integer(file, "<I"), _integer(file, "<Q")
        return [_value(file, item) for _ in range(count)]
    form = _SCALARS[kind]
    return struct.unpack(form, file.read(struct.calcsize(form)))[0]
