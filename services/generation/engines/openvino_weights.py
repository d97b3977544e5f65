"""A converted model's weights in the form that a CPU multiplies fastest: 8 bits, one scale for each output channel.

GGUF has a scale, and mostly a zero point, for every 16 or 32 weights. Unpacking them is what a step waits for, of a
prompt and of an answer alike. What the rounding costs is in docs/decisions/0026-local-engines.md.
"""

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from libs.inference.openvino_runtime import import_openvino

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from openvino import Node, Output

# What the form is called in a converted model's header: another form is converted anew.
FORM = "int8 per channel"
# Inputs of a layer that share a scale when they are rounded to 8 bits, for these weights (32 is OpenVINO's own choice).
GROUPED_INPUTS = 64
_LARGEST = 127
# Rows unpacked at a time, so that a vocabulary's layer takes no gigabytes. Even: two weights of 4 bits share a byte.
_ROWS = 1024
_PACKED = ("u4", "u8", "i8")
# What a packed weight is unpacked by: (bits - zero point) * scale, in groups that are then joined to rows.
_UNPACKING = ("Convert", "Subtract", "Multiply", "Reshape")


def repack(folder: Path) -> int:
    """Rewrites `openvino_model` in `folder`; returns how many layers it repacked.

    Others, in floating point or packed in a way that isn't known here, stay as they are.
    """
    openvino = import_openvino()
    model = openvino.Core().read_model(folder / "openvino_model.xml")
    repacked = 0
    for layer in model.get_ordered_ops():
        if layer.get_type_name() == "MatMul" and layer.get_attributes()["transpose_b"]:
            weights = layer.input(1).get_source_output().get_node()
            if _is_packed(weights):
                layer.input(1).replace_source_output(_per_channel(weights))
                repacked += 1
    model.validate_nodes_and_infer_types()
    rewritten = folder / "repacked.xml"
    openvino.save_model(model, rewritten, compress_to_fp16=False)
    del model  # it maps the file that is replaced
    for suffix in (".bin", ".xml"):
        rewritten.with_suffix(suffix).rename(folder / f"openvino_model{suffix}")
    return repacked


def _is_packed(node: "Node") -> bool:
    """Whether `node` unpacks constants, some of them integers, and nothing else."""
    types: set[str] = set()
    left = [node]
    while left:
        one = left.pop()
        if one.get_type_name() == "Constant":
            types.add(one.get_element_type().get_type_name())
        elif one.get_type_name() in _UNPACKING:
            left += _parts(one)
        else:
            return False
    return types <= {*_PACKED, "f16", "f32"} and not types.isdisjoint(_PACKED)


def _parts(node: "Node") -> "list[Node]":
    """What `node` is computed from; of a Reshape without the shape, which its output has."""
    inputs = node.inputs()[:1] if node.get_type_name() == "Reshape" else node.inputs()
    return [one.get_source_output().get_node() for one in inputs]


def _per_channel(weights: "Node") -> "Output":
    """Shape [outputs, inputs], rounded to the nearest of 255 values a row."""
    ops = import_openvino().opset13
    outputs, inputs = weights.get_output_shape(0)
    rounded, scales = np.empty((outputs, inputs), np.int8), np.empty((outputs, 1), np.float16)
    for start in range(0, outputs, _ROWS):
        rows = slice(start, min(start + _ROWS, outputs))
        values = _unpack(weights, rows)
        scales[rows] = np.abs(values).max(axis=1, keepdims=True) / _LARGEST
        scales[rows][scales[rows] == 0] = 1
        rounded[rows] = np.rint(values / scales[rows]).clip(-_LARGEST, _LARGEST)
    unpacked = ops.multiply(ops.convert(ops.constant(rounded), np.float16), ops.constant(scales))
    return ops.convert(unpacked, np.float32).output(0)


def _unpack(node: "Node", rows: slice) -> "NDArray[Any]":
    """What OpenVINO computes of `node`, for some rows of it."""
    if node.get_type_name() == "Constant":
        return _stored(node, rows)
    parts = [_unpack(part, rows) for part in _parts(node)]
    match node.get_type_name():
        case "Subtract":
            return parts[0] - parts[1]
        case "Multiply":
            return parts[0] * parts[1]
        case "Reshape":
            return parts[0].reshape(rows.stop - rows.start, -1)
        case _:
            return parts[0].astype(np.float32)


def _stored(constant: "Node", rows: slice) -> "NDArray[Any]":
    shape = tuple(constant.get_output_shape(0))
    if not shape or shape[0] == 1:  # the same for all rows
        rows = slice(0, 1)
    stored = cast("NDArray[Any]", constant.data)  # typed as a method, which it isn't
    if constant.get_element_type().get_type_name() != "u4":
        return stored[rows] if shape else stored
    width = prod(shape[1:])
    packed = stored[rows.start * width // 2 : (rows.stop * width + 1) // 2]
    bits = np.stack((packed & 15, packed >> 4), axis=-1).reshape(-1)[: (rows.stop - rows.start) * width]
    return bits.reshape(rows.stop - rows.start, *shape[1:])
