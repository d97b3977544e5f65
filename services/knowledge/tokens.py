"""Token counts by the embedding model's own tokenizer, without loading the model."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from libs.config.settings import Settings
from libs.stores.weights import WeightsMissingError, WeightsStore
from libs.telemetry.logs import get_logger

log = get_logger(__name__)

TOKENIZER_FILE = "tokenizer.json"
# What an installation has where its own models run elsewhere.
FALLBACK_MODEL = "minilm"
# White space to every tokenizer of BERT's kind; to some of them other characters are, which may stay within a word.
_WORD = re.compile(r"[^ \t\r\n]+")
# Some 10 MB. Longer words are rarely met again.
_REMEMBERED_WORDS = 100_000
_REMEMBERED_CHARACTERS = 40


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
    """Counts word by word where the tokenizer reads words apart, and remembers each: texts repeat their words.

    May be called from several threads.
    """

    def __init__(self, model_folder: Path) -> None:
        file = model_folder / TOKENIZER_FILE
        self._tokenizer = Tokenizer.from_file(str(file))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._by_word = _reads_words_apart(json.loads(file.read_bytes()))
        self._known: dict[str, int] = {}

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, special tokens left out."""
        if not self._by_word:
            return self._count(texts)
        words = [_WORD.findall(text) for text in texts]
        known = self._known
        unknown = list({word for some in words for word in some if word not in known})
        counted = dict(zip(unknown, self._count(unknown), strict=True))
        counts = [sum(known[word] if word in known else counted[word] for word in some) for some in words]
        self._remember(counted)
        return counts

    def _count(self, texts: Sequence[str]) -> list[int]:
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False) if texts else []
        return [len(encoding) for encoding in encodings]

    def _remember(self, counted: Mapping[str, int]) -> None:
        if len(self._known) + len(counted) > _REMEMBERED_WORDS:
            # Another thread may still count by the one before.
            self._known = {}
        self._known.update({word: count for word, count in counted.items() if len(word) <= _REMEMBERED_CHARACTERS})


def _reads_words_apart(tokenizer: Mapping[str, Any]) -> bool:
    """Whether a text has as many tokens as its words have, each alone: true of BERT's kind, which cuts at white space.

    To others a word with a space before it is another word.
    """
    parts = ("normalizer", "pre_tokenizer", "model")
    kinds: list[str | None] = [(tokenizer.get(part) or {}).get("type") for part in parts]
    spaced = any(_WORD.fullmatch(token["content"]) is None for token in tokenizer.get("added_tokens", ()))
    return kinds == ["BertNormalizer", "BertPreTokenizer", "WordPiece"] and not spaced
