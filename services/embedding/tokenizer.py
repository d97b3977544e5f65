"""The model's own tokenizer, without the model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

# A text as the model reads it: its token ids, special tokens included, cut at the model's limit.
TokenIds = list[int]


class TextTokenizer:
    """May be used by several threads at a time. Raises OSError, KeyError or ValueError where the files are damaged."""

    def __init__(self, folder: Path) -> None:
        self.limit = token_limit(folder)
        self.padding = int(_read(folder / "config.json").get("pad_token_id") or 0)
        self._lower = bool(_read(folder / "sentence_bert_config.json").get("do_lower_case"))
        path = str(folder / "tokenizer.json")
        self._cutting = Tokenizer.from_file(path)
        self._cutting.enable_truncation(self.limit)
        self._cutting.no_padding()
        self._whole = Tokenizer.from_file(path)
        self._whole.no_truncation()
        self._whole.no_padding()
        self._speaks = _speaking(self._whole)

    def read(self, texts: Sequence[str]) -> list[TokenIds]:
        """Each text's token ids, at most `limit` of them."""
        return [encoding.ids for encoding in self._cutting.encode_batch_fast(self._cased(texts))]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Each text's tokens, those beyond the limit too."""
        return [len(encoding.ids) for encoding in self._whole.encode_batch_fast(self._cased(texts))]

    def speaking(self, tokens: TokenIds) -> NDArray[np.bool_]:
        """`(len(tokens),)`: false for special tokens and punctuation, which late interaction leaves out."""
        return self._speaks[tokens]

    def _cased(self, texts: Sequence[str]) -> Sequence[str]:
        return [text.lower() for text in texts] if self._lower else texts


@dataclass(frozen=True, slots=True)
class PairTokens:
    """Two texts as a model reads them at once; `types` are 0 for the first one's tokens, 1 for the second's."""

    ids: TokenIds
    types: list[int]

    def __len__(self) -> int:
        return len(self.ids)


class PairTokenizer:
    """As TextTokenizer, for a model that reads two texts at once: where both are too long, the longer is cut."""

    def __init__(self, folder: Path) -> None:
        self.limit = token_limit(folder)
        self.padding = int(_read(folder / "config.json").get("pad_token_id") or 0)
        path = str(folder / "tokenizer.json")
        self._cutting = Tokenizer.from_file(path)
        self._cutting.enable_truncation(self.limit, strategy="longest_first")
        self._cutting.no_padding()
        self._whole = Tokenizer.from_file(path)
        self._whole.no_truncation()
        self._whole.no_padding()

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[PairTokens]:
        """Each pair's tokens, at most `limit` of them."""
        return [PairTokens(one.ids, one.type_ids) for one in self._cutting.encode_batch([*pairs])]

    def count(self, pairs: Sequence[tuple[str, str]]) -> list[int]:
        """Each pair's tokens, those beyond the limit too."""
        return [len(one.ids) for one in self._whole.encode_batch([*pairs])]


def token_limit(folder: Path) -> int:
    """The tokens that the model reads of a text, as sentence-transformers takes it from the folder's files.

    Raises KeyError where no file says it.
    """
    said = _read(folder / "sentence_bert_config.json").get("max_seq_length")
    if said:
        return int(said)
    limits = [
        _read(folder / "tokenizer_config.json").get("model_max_length"),
        _read(folder / "config.json").get("max_position_embeddings"),
    ]
    known = [int(limit) for limit in limits if limit]
    if not known:
        raise KeyError(f"no file in {str(folder)!r} says how many tokens the model reads (max_seq_length)")
    return min(known)


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}


def _speaking(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    special = {token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special}
    vocabulary = tokenizer.get_vocab()
    speaks = np.zeros(max(vocabulary.values()) + 1, np.bool_)
    for token, index in vocabulary.items():
        speaks[index] = token not in special and any(character.isalnum() for character in token)
    return speaks
