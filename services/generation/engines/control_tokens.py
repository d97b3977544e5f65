"""Keeps a model's control tokens out of what people and documents say.

Tokenizers find `<|im_end|>` anywhere in a prompt, so a passage could close its own message and open one as the system.
"""

import re
from collections.abc import Callable, Iterable


def control_token_escaper(tokens: Iterable[str]) -> Callable[[str], str]:
    """A function that breaks every one of `tokens` in a text with a space after its first character.

    A reader still sees what was meant (`< |im_end|>`). Inserting can't join what was apart, so no nesting of tokens
    within tokens comes out whole. Raises ValueError where a token is too short to be broken.
    """
    longest_first = sorted(set(tokens), key=len, reverse=True)
    for token in longest_first:
        if len(token) < 2:  # noqa: PLR2004 - two characters have one place between them
            raise ValueError(f"The control token {token!r} can't be escaped: it has no inside.")
    if not longest_first:
        return lambda text: text
    # A lookahead, so that a token that starts inside another is found too.
    pattern = re.compile(f"(?={'|'.join(map(re.escape, longest_first))})(.)", re.DOTALL)
    return lambda text: pattern.sub(r"\1 ", text)
