"""`python -m services.embedding.adapters.openvino_conversion FOLDER TARGET SHA256`: the conversion's process."""

import hashlib
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from torch import nn

from libs.inference.machine import this_machine
from libs.inference.openvino_runtime import import_nncf, import_openvino
from services.embedding.adapters.openvino_ir import RECIPE, Header, calibration_pages, versions, write_header
from services.embedding.adapters.padding import padded
from services.embedding.tokenizer import TextTokenizer, TokenIds

CALIBRATION_TEXTS = 64
HELD_OUT_TEXTS = 48
PASSAGE_PARAGRAPHS = 5
# How far SmoothQuant moves outliers from activations into weights. NNCF's own 0.95 gives cosines down to 0.983 here.
SMOOTH_QUANT_ALPHA = 0.7
EXAMPLE_TEXTS = ("hello world", "hello")
# Of the converted model's vectors to torch's, both in float32, over a padded batch.
LEAST_REPRODUCED_COSINE = 0.9999
REPRODUCED_TEXTS = 8


class _Outputs(nn.Module):
    """The model with both of its outputs of unit length: a text's vector, and its tokens' states."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.model.forward({"input_ids": input_ids, "attention_mask": attention_mask})
        normalize = torch.nn.functional.normalize
        return normalize(features["sentence_embedding"]), normalize(features["token_embeddings"], dim=-1)


def convert(weights: Path, target: Path, weights_sha256: str) -> None:
    """Writes `float32` and `int8` IR and their header into the new folder `target`."""
    openvino, nncf = import_openvino(), import_nncf()
    nncf.set_log_level(logging.ERROR)
    target.mkdir()
    tokenizer = TextTokenizer(weights)
    outputs = _Outputs(SentenceTransformer(str(weights), device="cpu", local_files_only=True).eval())
    float32 = _traced(openvino, outputs, tokenizer)
    openvino.save_model(float32, str(target / "float32.xml"), compress_to_fp16=False)
    pages = calibration_pages()
    texts = tokenizer.read(_spread(pages, CALIBRATION_TEXTS + HELD_OUT_TEXTS))
    held_out = texts[1::2][:HELD_OUT_TEXTS]
    _check_reproduction(openvino, float32, outputs, tokenizer, held_out[:REPRODUCED_TEXTS])
    calibration = [text for text in texts if text not in held_out]
    advanced = nncf.AdvancedQuantizationParameters(
        smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=SMOOTH_QUANT_ALPHA),
        activations_range_estimator_params=nncf.quantization.range_estimator.RangeEstimatorParametersSet.MINMAX,
    )
    int8 = nncf.quantize(
        float32,
        nncf.Dataset([_inputs(text) for text in calibration]),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(calibration),
        advanced_parameters=advanced,
    )
    openvino.save_model(int8, str(target / "int8.xml"), compress_to_fp16=False)
    cosines = (_vectors(openvino, int8, held_out) * _vectors(openvino, float32, held_out)).sum(axis=1)
    digest = hashlib.sha256(repr(calibration).encode()).hexdigest()
    header = Header(
        weights_sha256,
        digest,
        RECIPE,
        *versions(),
        mean_cosine=float(cosines.mean()),
        least_cosine=float(cosines.min()),
        instructions=this_machine().instructions,
    )
    write_header(target, header)


def _traced(openvino: Any, outputs: _Outputs, tokenizer: TextTokenizer) -> Any:
    ids, mask = padded(tokenizer.read(EXAMPLE_TEXTS), tokenizer.padding, tokenizer.limit)
    example = torch.from_numpy(ids), torch.from_numpy(mask)
    shape = openvino.PartialShape([-1, -1])
    inputs = [(name, shape, openvino.Type.i64) for name in ("input_ids", "attention_mask")]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = openvino.convert_model(outputs, example_input=example, input=inputs)
    for output, name in zip(traced.outputs, ("vectors", "states"), strict=True):
        output.get_tensor().set_names({name})
    return traced


def _check_reproduction(
    openvino: Any, converted: Any, outputs: _Outputs, tokenizer: TextTokenizer, texts: Sequence[TokenIds]
) -> None:
    """Raises ValueError where the traced model isn't the model: a trace keeps one way through it, for every text."""
    ids, mask = padded(texts, tokenizer.padding, tokenizer.limit)
    with torch.no_grad():
        expected = outputs(torch.from_numpy(ids), torch.from_numpy(mask))
    inferred = _request(openvino, converted).infer({"input_ids": ids, "attention_mask": mask})
    for name, wanted in zip(("vectors", "states"), expected, strict=True):
        cosines = (np.array(inferred[name]) * wanted.numpy()).sum(axis=-1)
        if name == "states":
            cosines = cosines[mask > 0]
        if not cosines.min() >= LEAST_REPRODUCED_COSINE:
            raise ValueError(f"its {name} come out with a cosine of {cosines.min():.4f} to torch's")


def _spread(pages: Sequence[str], count: int) -> list[str]:
    """Texts of every length that will come: headings, paragraphs, and whole passages, evenly over the pages."""
    paragraphs = [paragraph for page in pages for paragraph in page.split("\n\n") if paragraph.strip()]
    starts = range(0, len(paragraphs), max(1, len(paragraphs) // count))
    return [
        "\n\n".join(paragraphs[start : start + (PASSAGE_PARAGRAPHS if number % 4 < 2 else 1)])  # noqa: PLR2004 - half
        for number, start in enumerate(starts)
    ][:count]


def _inputs(tokens: TokenIds) -> dict[str, NDArray[np.int64]]:
    ids = np.array([tokens], np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def _request(openvino: Any, model: Any) -> Any:
    return openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()


def _vectors(openvino: Any, model: Any, texts: Sequence[TokenIds]) -> NDArray[np.float32]:
    request = _request(openvino, model)
    return np.concatenate([np.array(request.infer(_inputs(text))["vectors"]) for text in texts])


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
