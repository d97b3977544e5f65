"""Which converted weights are read, and which are made anew."""

import json
import os
from pathlib import Path

import pytest

from libs.stores.converted import land
from services.embedding.adapters.openvino_ir import RECIPE, Header, OpenVinoIr, read_ir, versions, write_header
from services.embedding.folders import ModelFolder

FILES = ("float32.xml", "float32.bin", "int8.xml", "int8.bin")


@pytest.fixture
def weights(tmp_path: Path) -> ModelFolder:
    return ModelFolder("mine", "mine", tmp_path, "a" * 64)


@pytest.fixture
def folder(weights: ModelFolder) -> Path:
    partial = weights.path / ".openvino.partial"
    partial.mkdir()
    for name in FILES:
        (partial / name).write_bytes(b"x" * 1_000)
    write_header(partial, Header(weights.digest, "b" * 64, RECIPE, *versions(), 0.997, 0.99))
    land(partial, weights.path / "openvino")
    return weights.path / "openvino"


def test_what_landed_whole_is_read(folder: Path, weights: ModelFolder):
    found = read_ir(folder, weights)
    assert isinstance(found, OpenVinoIr)
    assert found.header.files == dict.fromkeys(FILES, 1_000)
    assert [path.name for path in weights.path.iterdir()] == ["openvino"]
    (folder / "measured.json").write_text("{}")
    assert read_ir(folder, weights) == found


@pytest.mark.parametrize("name", [*FILES, "footnote.json"])
def test_one_with_a_truncated_or_missing_file_is_not_read(folder: Path, weights: ModelFolder, name: str):
    os.truncate(folder / name, 10)
    assert read_ir(folder, weights) is None
    (folder / name).unlink()
    assert read_ir(folder, weights) is None


@pytest.mark.parametrize("files", [[], 7, "int8.bin", ["int8.bin"]])
def test_one_whose_header_makes_no_sense_is_not_read(folder: Path, weights: ModelFolder, files: object):
    header = json.loads((folder / "footnote.json").read_text())
    (folder / "footnote.json").write_text(json.dumps(header | {"files": files}))
    assert read_ir(folder, weights) is None


def test_a_header_without_sizes_stays_valid(folder: Path, weights: ModelFolder):
    header = json.loads((folder / "footnote.json").read_text())
    del header["files"]
    (folder / "footnote.json").write_text(json.dumps(header))
    assert read_ir(folder, weights)
