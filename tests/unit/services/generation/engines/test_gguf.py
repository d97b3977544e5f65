import struct
from pathlib import Path

import pytest

from services.generation.engines.gguf import ControlToken, GgufHeader, read_header


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def array(kind: int, items: list[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


def gguf(*pairs: bytes, magic: bytes = b"GGUF", version: int = 3) -> bytes:
    return magic + struct.pack("<IQQ", version, 0, len(pairs)) + b"".join(pairs)


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
    path.write_bytes(gguf(*PAIRS))
    tokens = (ControlToken(0, "<|im_end|>"), ControlToken(2, "<tool>"))
    assert read_header(path) == GgufHeader("Tiny", 2048, tokens)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gguf(magic=b"PK\x03\x04"), "isn't a GGUF file"),
        (b"", "isn't a GGUF file"),
        (gguf(*PAIRS, version=1), "version 1"),
        (gguf(*PAIRS[:3]), "llama.context_length"),
        (gguf(*PAIRS)[:150], "breaks off"),
    ],
)
def test_a_file_that_is_something_else_is_named(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "other.gguf"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_header(path)
