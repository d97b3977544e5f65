import json
import struct
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from services.generation.engines.gguf import ControlToken, GgufHeader, read_header
from services.generation.engines.openvino_ir import ConversionError, folder_of_its_own, prepare
from services.generation.engines.openvino_weights import FORM


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def array(kind: int, items: list[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


def tensor(name: str, kind: int, *shape: int) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, 0)


def gguf(*pairs: bytes, magic: bytes = b"GGUF", version: int = 3, tensors: Sequence[bytes] = ()) -> bytes:
    counts = struct.pack("<IQQ", version, len(tensors), len(pairs))
    return magic + counts + b"".join(pairs) + b"".join(tensors)


PAIRS = [
    pair("general.architecture", 8, text("llama")),
    pair("general.name", 8, text("Tiny")),
    pair("llama.rope.freq_base", 6, struct.pack("<f", 10000.0)),
    pair("llama.context_length", 4, struct.pack("<I", 2048)),
    pair("tokenizer.ggml.tokens", 9, array(8, [text("<|im_end|>"), text("hello"), text("<tool>")])),
    pair("tokenizer.ggml.token_type", 9, array(5, [struct.pack("<i", kind) for kind in (3, 1, 4)])),
    pair("tokenizer.ggml.add_bos_token", 7, b"\x00"),
]


def test_the_header_of_a_model(tmp_path: Path):
    path = tmp_path / "tiny.gguf"
    tensors = [tensor("a.weight", 12, 256, 8), tensor("b.weight", 12, 256, 8), tensor("c.weight", 99, 4)]
    path.write_bytes(gguf(*PAIRS, tensors=tensors))
    tokens = (ControlToken(0, "<|im_end|>"), ControlToken(2, "<tool>", special=False))
    types = {"Q4_K": "a.weight", "type 99": "c.weight"}
    assert read_header(path) == GgufHeader("Tiny", "llama", 2048, tokens, types)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gguf(*PAIRS, tensors=[tensor("a.weight", 6, 32)]), r"odd\.gguf.* Q5_0 \('a\.weight'\).*Q4_K"),
        (
            gguf(
                pair("general.architecture", 8, text("rwkv")),
                *PAIRS[1:3],
                pair("rwkv.context_length", 4, struct.pack("<I", 8)),
                *PAIRS[4:],
            ),
            r"odd\.gguf.*'rwkv'.*llama",
        ),
    ],
)
def test_what_openvino_cannot_read_is_named_before_a_conversion(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "odd.gguf"
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=message):
        prepare(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gguf(magic=b"PK\x03\x04"), "isn't a GGUF file"),
        (b"", "isn't a GGUF file"),
        (gguf(*PAIRS, version=1), "version 1"),
        (gguf(*PAIRS[:3]), "llama.context_length"),
        (gguf(*PAIRS)[:150], "breaks off"),
        (gguf(*PAIRS, tensors=[tensor("a.weight", 12, 256)])[:-10], "breaks off"),
    ],
)
def test_a_file_that_is_something_else_is_named(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "other.gguf"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_header(path)


_KNOWN: dict[str, object] = {
    "openvino_genai": version("openvino-genai"),
    "name": "Odd",
    "context_length": 8,
    "control_tokens": [],
    "weights": FORM,
}


def test_what_was_made_of_another_file_is_not_taken_for_this_one(tmp_path: Path):
    """Several files may stand in one folder, and one may be put in another's place."""
    path = tmp_path / "odd.gguf"
    path.write_bytes(b"GGUF")
    folder = folder_of_its_own(path)
    for place in (tmp_path / "openvino", folder):
        place.mkdir()
        (place / "footnote.json").write_text(json.dumps(_KNOWN))
    assert prepare(path).folder == tmp_path / "openvino"
    with pytest.raises(ValueError, match=r"odd\.gguf"):  # none is said to be of this file, so it is read
        prepare(path, folder)
    source = [path.stat().st_size, path.stat().st_mtime_ns]
    (folder / "footnote.json").write_text(json.dumps({**_KNOWN, "source": source}))
    assert prepare(path, folder).folder == folder
    path.write_bytes(b"GGUF of another")
    with pytest.raises(ValueError, match=r"odd\.gguf"):
        prepare(path, folder)


@pytest.mark.parametrize("damage", ["cut short", "gone", "no header", "weights of another form"])
def test_an_ir_that_is_not_whole_is_made_anew(tmp_path: Path, damage: str):
    path = tmp_path / "odd.gguf"
    path.write_bytes(b"GGUF")
    folder = tmp_path / "openvino"
    folder.mkdir()
    weights, header = folder / "weights.bin", folder / "footnote.json"
    weights.write_bytes(b"12345678")
    header.write_text(json.dumps({**_KNOWN, "files": {"weights.bin": 8}}))
    assert prepare(path).folder == folder
    if damage == "cut short":
        weights.write_bytes(b"1234")
    elif damage == "gone":
        weights.unlink()
    elif damage == "no header":
        header.write_text(header.read_text()[:20])
    else:
        header.write_text(json.dumps({**_KNOWN, "weights": "as they were", "files": {"weights.bin": 8}}))
    with pytest.raises(ValueError, match=r"odd\.gguf"):  # it isn't taken, so the file is read
        prepare(path)
