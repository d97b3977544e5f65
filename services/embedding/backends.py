"""Which adapter runs the model."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from libs.stores.weights import WeightsError, WeightsMissingError, WeightsStore
from libs.stores.weights_catalogue import CATALOGUE
from libs.telemetry.logs import get_logger
from services.embedding.adapters.openvino_ir import ConversionError, prepare
from services.embedding.adapters.openvino_model import OpenVinoModel, multiplies_bfloat16
from services.embedding.adapters.sentence_transformer import SentenceTransformerModel
from services.embedding.ports import EmbeddingModel, ModelLoadError

Backend = Literal["auto", "torch", "openvino-float32", "openvino-bfloat16", "openvino-int8"]

WARM_UP_WORDS = 300

log = get_logger(__name__)


def load_model(backend: Backend, name: str, store: WeightsStore) -> EmbeddingModel:
    """The model, warm. Blocks for seconds, the first time for the conversion too. Raises ModelLoadError.

    `auto` takes the fastest one whose vectors pass the gate of docs/decisions/0010-embedding-backends.md: calibrated
    int8, else OpenVINO's widest, and torch where nothing can be converted here.
    """
    try:
        folder = store.locate(name)
    except WeightsMissingError as error:
        raise ModelLoadError(str(error)) from error
    model_id = public_id(name)
    try:
        model = _automatic(name, model_id, folder, store) if backend == "auto" else _named(backend, name, folder, store)
        model.encode(model.tokenizer.read(["warm up", "a second, longer text " * WARM_UP_WORDS]))
    except Exception as error:  # whatever the engines and the parsers of three file formats raise
        try:
            store.verify(name)
        except (WeightsError, WeightsMissingError) as damaged:
            raise ModelLoadError(str(damaged)) from error
        raise ModelLoadError(f"The model in {str(folder)!r} can't be loaded: {error}") from error
    return model


def public_id(name: str) -> str:
    """The model's published name."""
    weights = CATALOGUE.get(name)
    return weights.model if weights else name


def _named(backend: Backend, name: str, folder: Path, store: WeightsStore) -> EmbeddingModel:
    model_id = public_id(name)
    make: dict[str, Callable[[], EmbeddingModel]] = {
        "torch": lambda: SentenceTransformerModel(name, model_id, folder),
        "openvino-float32": lambda: OpenVinoModel(model_id, folder, prepare(store, name), "float32"),
        "openvino-bfloat16": lambda: OpenVinoModel(model_id, folder, prepare(store, name), "bfloat16"),
        "openvino-int8": lambda: OpenVinoModel(model_id, folder, prepare(store, name), "int8"),
    }
    return make[backend]()


def _automatic(name: str, model_id: str, folder: Path, store: WeightsStore) -> EmbeddingModel:
    try:
        ir = prepare(store, name)
    except (ConversionError, OSError) as error:
        log.warning("not converted for OpenVINO; torch takes over, more slowly", reason=str(error))
        return SentenceTransformerModel(name, model_id, folder)
    if ir.header.int8_passes:
        return OpenVinoModel(model_id, folder, ir, "int8")
    log.warning("int8 fails its gate here", mean=ir.header.mean_cosine, least=ir.header.least_cosine)
    return OpenVinoModel(model_id, folder, ir, "bfloat16" if multiplies_bfloat16() else "float32")
