"""The model's own tokenizer, without the model."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

# A text as the model reads it: its token ids, special tokens included, cut at the model's limit.
TokenIds = list[int]


class TextTokenizer:
    """May be used by several threads at a time. Raises OSError, KeyError or ValueError where the files are damaged."""

    def __init__(self, folder: Path) -> None:
        self.limit = int(json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"])
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
        return [encoding.ids for encoding in self._cutting.encode_batch_fast(texts)]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Each text's tokens, those beyond the limit too."""
        return [len(encoding.ids) for encoding in self._whole.encode_batch_fast(texts)]

    def speaking(self, tokens: TokenIds) -> NDArray[np.bool_]:
        """`(len(tokens),)`: false for special tokens and punctuation, which late interaction leaves out."""
        return self._speaks[tokens]


def _speaking(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    special = {token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special}
    speaks = np.zeros(tokenizer.get_vocab_size(), np.bool_)
    for token, index in tokenizer.get_vocab().items():
        speaks[index] = token not in special and any(character.isalnum() for character in token)
    return speaks
