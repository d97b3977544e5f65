"""The engine that a model's settings ask for."""

from pathlib import Path

from libs.config.generation import GenerationModel
from libs.stores.weights import WeightsMissingError, WeightsStore
from services.generation.engines.extractive import Embed, ExtractiveEngine
from services.generation.engines.openai_compatible import OpenAICompatibleEngine
from services.generation.ports import Engine


def make_engine(weights: WeightsStore, embed: Embed, name: str, settings: GenerationModel) -> Engine:
    """Raises WeightsMissingError."""
    match settings.engine:
        case "extractive":
            return ExtractiveEngine(embed)
        case "upstream":
            return OpenAICompatibleEngine(
                settings.url,
                model_id=settings.upstream_model or name,
                api_key=settings.api_key.get_secret_value(),
                context_tokens=settings.context_tokens,
                max_in_flight=settings.max_waiting,
                takes_top_k=settings.takes_top_k,
            )
        case "openvino":
            # Only a process with such a model loads OpenVINO.
            from services.generation.engines.openvino import OpenVinoEngine  # noqa: PLC0415 - only where it is used
            from services.generation.engines.openvino_ir import folder_of_its_own  # noqa: PLC0415 - as above

            file = _gguf_file(settings.weights)
            return OpenVinoEngine(
                file or weights.locate(settings.weights),
                converted=folder_of_its_own(file) if file else None,
                model_id=name,
                context_tokens=settings.context_tokens,
                max_waiting=settings.max_waiting,
            )
        case "transformers":
            # Only a process with such a model loads torch.
            from services.generation.engines.transformers import TransformersEngine  # noqa: PLC0415 - as above

            return TransformersEngine(
                weights_at(weights, settings.weights),
                model_id=name,
                context_tokens=settings.context_tokens,
                max_waiting=settings.max_waiting,
            )


def weights_at(store: WeightsStore, name: str) -> Path:
    """A folder of weights or a GGUF file, or where `footnote models install` put those of the name.

    Raises WeightsMissingError.
    """
    folder = Path(name)
    return _gguf_file(name) or (folder if folder.is_dir() else store.locate(name))


def _gguf_file(name: str) -> Path | None:
    path = Path(name)
    return path if path.suffix == ".gguf" and path.is_file() else None


def installed(weights: WeightsStore, name: str) -> bool:
    try:
        weights.locate(name)
    except WeightsMissingError:
        return False
    return True
