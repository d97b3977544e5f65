"""Writing without spaces between words: Chinese and Japanese, of which a search compares characters."""

import re

# Han with its signs of repetition, hiragana, katakana: what stands within a class of a regular expression, which SQL
# and Python read alike.
UNSPACED = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"

_CHARACTER = re.compile(f"([{UNSPACED}])")


def spaced(text: str) -> str:
    """With a space on each side of each such character, so that every one of them is a word."""
    return text if text.isascii() else _CHARACTER.sub(r" \1 ", text)


def is_unspaced(character: str) -> bool:
    return _CHARACTER.match(character) is not None
