from collections.abc import AsyncGenerator

import pytest

from services.chat.ungrounded import unchecked_text


async def said(text: str) -> str:
    async def deltas() -> AsyncGenerator[str]:
        for start in range(0, len(text), 3):
            yield text[start : start + 3]

    return "".join([piece async for piece in unchecked_text(deltas())])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One [1]. Two.\n\nThree.", "One. Two.\n\nThree."),
        ("See [it](http://e.example). ![x](http://e.example) Bye.", "See it. Bye."),
        ("a\u200bb \u202ec", "ab c"),
        ("Write:\n```python\nx = [1]\ny = x[0]\n```\nDone [2].", "Write:\n```python\nx = [1]\ny = x[0]\n```\nDone."),
        ("Use `x[0]` here.", "Use `x[0]` here."),
    ],
)
async def test_only_code_keeps_its_brackets(text: str, expected: str):
    assert await said(text) == expected
