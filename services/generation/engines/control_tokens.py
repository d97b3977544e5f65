"""Keeps a model's control tokens out of what people and documents say.

Tokenizers find `<|im_end|>` anywhere in a prompt, so a passage could close its own message and open one as the system.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from services.generation.engines.gguf import ControlToken


def control_token_escaper(spellings: Iterable[str]) -> Callable[[str], str]:
    """A function that breaks every one of `spellings` in a text with a space after its first character.

    A reader still sees what was meant (`< |im_end|>`). Inserting can't join what was apart, so no nesting of tokens
    within tokens comes out whole. Raises ValueError where one is too short to be broken.
    """
    longest_first = sorted(set(spellings), key=len, reverse=True)
    for spelling in longest_first:
        if len(spelling) < 2:  # noqa: PLR2004 - two characters have one place between them
            raise ValueError(f"The control token {spelling!r} can't be escaped: it has no inside.")
    if not longest_first:
        return lambda text: text
    # A lookahead, so that a token that starts inside another is found too.
    pattern = re.compile(f"(?={'|'.join(map(re.escape, longest_first))})(.)", re.DOTALL)
    return lambda text: pattern.sub(r"\1 ", text)


class PlainText:
    """Text as a tokenizer may see it: none of it becomes a control token.

    Besides spellings, a character whose bytes the vocabulary lacks does: it becomes the unknown token, which SmolLM2
    shares with the end of text. Raises ValueError where a control token can't be kept out.
    """

    def __init__(self, control_tokens: Sequence[ControlToken], encode: Callable[[str], Iterable[int]]) -> None:
        self._ids = frozenset(token.id for token in control_tokens)
        self._encode = encode
        self._escape = control_token_escaper(token.text for token in control_tokens)
        for token in control_tokens:
            self(token.text)

    def __call__(self, text: str) -> str:
        text = self._escape(text)
        if self._becomes_control(text):
            unknown = {character for character in set(text) if self._becomes_control(character)}
            text = self._escape("".join("?" if character in unknown else character for character in text))
        if self._becomes_control(text):
            raise ValueError("The text makes control tokens in a way that escaping doesn't prevent.")
        return text

    def _becomes_control(self, text: str) -> bool:
        return not self._ids.isdisjoint(self._encode(text))
