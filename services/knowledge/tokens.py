"""Token counts by the embedding model's own tokenizer, without loading the model."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from libs.config.settings import Settings
from libs.stores.weights import WeightsMissingError, WeightsStore
from libs.telemetry.logs import get_logger

log = get_logger(__name__)

TOKENIZER_FILE = "tokenizer.json"
# What an installation has where its own models run elsewhere.
FALLBACK_MODEL = "minilm"


def token_counts(settings: Settings) -> "TokenCounts":
    """By the tokenizer of the first configured embedding model that is installed here.

    A model that isn't doesn't stop documents from being read: passages are about as long by another's. Raises
    WeightsMissingError where none is.
    """
    configured = settings.embedding.model
    for name in (configured, *settings.embedding.also):
        folder = settings.models_dir / name
        if (folder / TOKENIZER_FILE).is_file():
            if name != configured:
                log.warning("passages are cut by another model's tokens", model=configured, counted_by=name)
            return TokenCounts(folder)
    log.warning("passages are cut by another model's tokens", model=configured, counted_by=FALLBACK_MODEL)
    store = WeightsStore(settings.models_dir)
    try:
        return TokenCounts(store.locate(FALLBACK_MODEL))
    except WeightsMissingError:
        store.locate(configured)  # says how to install that one, where we know it
        raise


class TokenCounts:
    def __init__(self, model_folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, special tokens left out."""
        return [len(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]
