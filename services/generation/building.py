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

            return OpenVinoEngine(
                weights.locate(settings.weights),
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
    """A folder of weights, or where `footnote models install` put those of the name. Raises WeightsMissingError."""
    folder = Path(name)
    return folder if folder.is_dir() else store.locate(name)


def installed(weights: WeightsStore, name: str) -> bool:
    try:
        weights.locate(name)
    except WeightsMissingError:
        return False
    return True
