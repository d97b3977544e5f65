"""All tokens of a text, by a tokenizer that cuts long ones off."""

import re
from collections.abc import Callable

# Every vocabulary here begins a word with the space before it, so that a cut there changes no token.
_BETWEEN_WORDS = re.compile(r"(?<=\S)(?= \w)")
_LONGEST_CONTROL_TOKEN = 64


def encode_whole(encode: Callable[[str], list[int]], text: str, limit: int) -> list[int]:
    """`encode` gives at most `limit` tokens and doesn't say when there were more; so long texts go in parts.

    Where a part has no space the tokens beside the cut may differ from an uncut text's; no control token is cut.
    """
    ids = encode(text)
    if len(ids) < limit or len(text) < 2:  # noqa: PLR2004 - one character has no inside
        return ids
    at = _cut(text)
    return encode_whole(encode, text[:at], limit) + encode_whole(encode, text[at:], limit)


def _cut(text: str) -> int:
    middle = len(text) // 2
    if found := _BETWEEN_WORDS.search(text, middle):
        return found.start()
    opened = text.rfind("<|", max(1, middle - _LONGEST_CONTROL_TOKEN), middle + 1)
    return opened if opened > 0 and "|>" not in text[opened:middle] else middle
