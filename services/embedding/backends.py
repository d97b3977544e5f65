"""Which adapter runs the model."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from libs.clients.context import LANES
from libs.inference.entailment import entailment_labels
from libs.stores.weights import WeightsStore
from libs.telemetry.logs import get_logger
from services.embedding.adapters.openvino_ir import ConversionError, Header, prepare
from services.embedding.adapters.openvino_model import OpenVinoModel, multiplies_bfloat16
from services.embedding.adapters.sentence_transformer import Device, SentenceTransformerModel
from services.embedding.adapters.sequence_classifier import SequenceClassifier, labels_of
from services.embedding.folders import ModelFolder, damage, locate, locate_classifier
from services.embedding.gate import Backend as Measurable
from services.embedding.gate import Verdict, best_first, measured_elsewhere, read_verdicts
from services.embedding.ports import EmbeddingModel, ModelLoadError, PairModel

Backend = Literal["auto"] | Measurable

# What NVIDIA's driver makes; looking for it saves importing torch on the machines that have none.
CUDA_DRIVER = Path("/dev/nvidiactl")
MEASURE_ANEW = "footnote models optimize"
# What the others are compared with, and what needs nothing converted.
LAST_RESORTS: tuple[Measurable, ...] = ("openvino-float32", "torch")

log = get_logger(__name__)


def load_model(backend: Backend, name: str, store: WeightsStore) -> EmbeddingModel:
    """The model, warm. Blocks for seconds, the first time for the conversion too. Raises ModelLoadError.

    `auto` takes a GPU where there is one, else the fastest whose vectors pass the gate of
    docs/decisions/0010-embedding-backends.md: as `footnote models optimize` measured it here, and where it didn't,
    calibrated int8, OpenVINO's widest, and torch where nothing can be converted here. One that doesn't load leaves its
    place to the next.
    """
    folder = locate(name, store)
    try:
        return _automatic(folder) if backend == "auto" else _warm(_named(backend, folder))
    except Exception as error:  # whatever the engines and the parsers of three file formats raise
        damaged = damage(folder, store)
        raise ModelLoadError(
            damaged or f"The model in {str(folder.path)!r} can't be loaded: {type(error).__name__}: {error}"
        ) from error


def load_classifier(backend: Backend, name: str, store: WeightsStore) -> PairModel:
    """The classifier, warm; torch runs it whatever `backend` is, on the device that it stands for.

    Blocks for seconds. Raises ModelLoadError, also where none of its labels means entailment.
    """
    folder = locate_classifier(name, store)
    device: dict[str, Device] = {"torch-cuda": "cuda", "torch": "auto", "auto": "auto"}
    try:
        entailment_labels(labels_of(folder))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelLoadError(
            f"The model in {str(folder.path)!r} can't judge entailment: {_said(error)}. "
            "Name its labels in id2label of its config.json, or take a model that was trained for it."
        ) from error
    try:
        model = SequenceClassifier(folder, device.get(backend, "cpu"))
        long = "a second, longer text " * model.tokenizer.limit
        model.probabilities(model.tokenizer.read([("warm up", "a text"), (long, long)]))
    except Exception as error:  # whatever torch, transformers and the parsers of three file formats raise
        raise ModelLoadError(f"The model in {str(folder.path)!r} can't be loaded: {_said(error)}") from error
    return model


def _said(error: Exception) -> str:
    return f"its config.json has no {error}" if isinstance(error, KeyError) else f"{type(error).__name__}: {error}"


def _warm(model: EmbeddingModel) -> EmbeddingModel:
    texts = model.tokenizer.read(["warm up", "a second, longer text " * model.tokenizer.limit])
    for lane in LANES:
        model.encode(texts, lane)
    return model


def _named(backend: Backend, folder: ModelFolder, torch_on: Device = "auto") -> EmbeddingModel:
    make: dict[str, Callable[[], EmbeddingModel]] = {
        "torch": lambda: SentenceTransformerModel(folder, torch_on),
        "torch-cuda": lambda: SentenceTransformerModel(folder, "cuda"),
        "openvino-float32": lambda: OpenVinoModel(folder, prepare(folder), "float32"),
        "openvino-bfloat16": lambda: OpenVinoModel(folder, prepare(folder), "bfloat16"),
        "openvino-int8": lambda: OpenVinoModel(folder, prepare(folder), "int8"),
    }
    return make[backend]()


def _automatic(folder: ModelFolder) -> EmbeddingModel:
    """The first choice that loads, warm. Raises what the last one did where none does."""
    problem: Exception | None = None
    for backend in _choices(folder):
        try:
            return _warm(_named(backend, folder, torch_on="cpu"))
        except Exception as error:  # noqa: BLE001 - whatever an engine raises, another may do without
            log.warning("a backend can't run the model", backend=backend, reason=str(error))
            problem = error
    raise problem or ModelLoadError(f"No backend runs the model in {str(folder.path)!r}.")


def _choices(folder: ModelFolder) -> Iterator[Measurable]:
    """What `auto` tries, the best first. Converts the weights only where no GPU takes them."""
    if difference := measured_elsewhere(folder):
        log.warning("what was measured is of another machine and not used", differs=difference, anew=MEASURE_ANEW)
    failed = [backend for backend, verdict in read_verdicts(folder).items() if not verdict.passes]
    if failed:
        log.warning("measured here and not good enough", backends=failed)
    if CUDA_DRIVER.exists() and "torch-cuda" not in failed:
        yield "torch-cuda"
    try:
        ir = prepare(folder)
    except (ConversionError, OSError) as error:
        log.warning("not converted for OpenVINO; torch takes over, more slowly", reason=str(error))
        yield "torch"
        return
    # Read anew: what was measured of a former IR went with it.
    yield from _on_cpu(ir.header, read_verdicts(folder))


def _on_cpu(header: Header, verdicts: Mapping[Measurable, Verdict]) -> list[Measurable]:
    """Those that pass, the best first; where nothing was measured, what is fastest on most machines.

    int8 whose check was made on a processor of another kind needs a measurement of this one.
    At the end what runs anywhere, so that something answers where none of the others loads.
    """
    unfit: set[Measurable] = {"torch-cuda"}
    if header.compared_elsewhere:
        if "openvino-int8" not in verdicts:
            log.warning("int8 was checked on a processor with other instruction sets", anew=MEASURE_ANEW)
            unfit.add("openvino-int8")
    elif not header.int8_passes:
        log.warning("int8 fails its gate here", mean=header.mean_cosine, least=header.least_cosine)
        unfit.add("openvino-int8")
    usual: list[Measurable] = ["openvino-int8"]
    if multiplies_bfloat16():
        usual.append("openvino-bfloat16")
    fit: list[Measurable] = [backend for backend in best_first(verdicts, usual) if backend not in unfit]
    return [*dict.fromkeys([*fit, *LAST_RESORTS])]
