"""Weights are repacked so that the layer still computes what it did."""

from pathlib import Path

import numpy as np

from libs.inference.openvino_runtime import import_openvino
from services.generation.engines.openvino_weights import repack

_OUTPUTS, _INPUTS, _GROUP = 48, 64, 32


def _save(folder: Path, *, packed: bool) -> None:
    """One layer, its weights in groups of 4 bits with zero points as GGUF has them, or in floating point."""
    openvino = import_openvino()
    ops = openvino.opset13
    random = np.random.default_rng(7)
    if packed:
        groups = (_OUTPUTS, _INPUTS // _GROUP)
        bits = ops.constant(random.integers(0, 16, (*groups, _GROUP)).astype(np.uint8), openvino.Type.u4)
        zero = ops.constant(random.integers(0, 16, (*groups, 1)).astype(np.uint8), openvino.Type.u4)
        scale = ops.constant(random.uniform(0.01, 0.1, (*groups, 1)).astype(np.float16))
        centred = ops.subtract(ops.convert(bits, np.float16), ops.convert(zero, np.float16))
        rows = ops.reshape(ops.multiply(centred, scale), np.array([_OUTPUTS, _INPUTS]), special_zero=False)
        weights = ops.convert(rows, np.float32)
    else:
        weights = ops.constant(random.normal(size=(_OUTPUTS, _INPUTS)).astype(np.float32))
    given = ops.parameter([-1, _INPUTS], np.float32)
    layer = ops.matmul(given, weights, transpose_a=False, transpose_b=True)
    # attention multiplies two things that are computed: that isn't a layer's weights
    model = openvino.Model([ops.result(ops.matmul(layer, layer, transpose_a=False, transpose_b=True))], [given], "one")
    openvino.save_model(model, folder / "openvino_model.xml", compress_to_fp16=False)


def _compute(folder: Path) -> np.ndarray:
    given = np.random.default_rng(8).normal(size=(16, _INPUTS)).astype(np.float32)
    core = import_openvino().Core()
    exact = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}
    return core.compile_model(folder / "openvino_model.xml", "CPU", exact)(given)[0]


def test_a_repacked_layer_computes_what_it_did(tmp_path: Path):
    _save(tmp_path, packed=True)
    before = _compute(tmp_path)
    assert repack(tmp_path) == 1
    after = _compute(tmp_path)
    assert np.abs(after - before).max() < 0.01 * np.abs(before).max()
    assert not np.array_equal(after, before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["openvino_model.bin", "openvino_model.xml"]


def test_weights_in_floating_point_stay_as_they_are(tmp_path: Path):
    _save(tmp_path, packed=False)
    before = _compute(tmp_path)
    assert repack(tmp_path) == 0
    assert np.array_equal(_compute(tmp_path), before)


def test_a_row_of_zeros_stays_zero(tmp_path: Path):
    _save(tmp_path, packed=True)
    openvino = import_openvino()
    ops = openvino.opset13
    model = openvino.Core().read_model(tmp_path / "openvino_model.xml")
    zeros = ops.convert(ops.constant(np.zeros((_OUTPUTS, _INPUTS), np.int8)), np.float32)
    first = next(node for node in model.get_ordered_ops() if node.get_type_name() == "MatMul")
    first.input(1).replace_source_output(zeros.output(0))
    folder = tmp_path / "zeros"
    folder.mkdir()
    openvino.save_model(model, folder / "openvino_model.xml", compress_to_fp16=False)
    assert repack(folder) == 1
    assert not _compute(folder).any()
