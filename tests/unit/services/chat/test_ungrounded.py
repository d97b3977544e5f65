import re
from collections.abc import AsyncGenerator

import pytest

from services.chat.ungrounded import unchecked_text


async def deltas(text: str) -> AsyncGenerator[str]:
    for start in range(0, len(text), 3):
        yield text[start : start + 3]


async def said(text: str) -> str:
    return "".join([piece async for piece in unchecked_text(deltas(text))])


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


IMAGE = "![x](http://e.example)"


@pytest.mark.parametrize(
    "text",
    [
        f"An open ` backtick {IMAGE} now.",
        f"Two `` and one ` {IMAGE} now.",
        f"Mixed `` {IMAGE} ` now.",
        f"Escaped \\` {IMAGE} ` now.",
        f"One ` here. Two {IMAGE} ` there.",
        f"One `a. B` and {IMAGE} `c` there.",
        f"One `\n{IMAGE} ` there.",
        f'A tag <x y="`"> {IMAGE} ` now.',
        f'A tag <x y=">`"> {IMAGE} ` now.',
        f"| a ` | {IMAGE} | ` |\n|---|---|---|\n",
        f"A `b` of [`c`](http://e.example) and {IMAGE}.",
        f"```inline``` is code.\n{IMAGE}\n",
        f"```\nx\n~~~\n```\n{IMAGE}\n",
        f"````\nx\n```\n````\n{IMAGE}\n",
        f"```\nx\n``` \n{IMAGE}\n",
        f"Text\n    ```\n    {IMAGE}\n",
        f"- a\n  ```\n  x\n\n{IMAGE}\n",
        f"- ```\n  x\n  ```\n  {IMAGE}\n",
        f"- a\n\t```\n  x\n  ```\n  {IMAGE}\n",
        f"2. a\n  ```\n x\n  {IMAGE}\n",
        "<div>\n```\n<img src=http://e.example>\n```\n",
        "<pre>\n\n```\n<img src=http://e.example>\n```\n",
        "![a. B](http://e.example) Bye.",
        "![a [b] c](http://e.example) Bye.",
        "[a. B](http://e.example) Bye.",
        '![a](http://e.example "t (x)") Bye.',
        "![foo]\n\n[foo]: http://e.example\n",
        "![foo. Bar]\n\n[foo.\nBar]: http://e.example\n",
        "- [foo]: http://e.example\n",
        f"[1]```\nx\n\n```\n{IMAGE}\n",
        f"```a {IMAGE}. B`` c.\n",
        f"``[1]``` {IMAGE} ``` c.\n",
        "`\u200b``\nx\n```\n![x](http://e.example)\n",
        "1.  a\n\n    ```\n    [b\n    c](http://e.example)\n    ![d\n    ](http://e.example)\n    ```\n",
        "1.  a\n\n    ```\n    <img\n    src=http://e.example>\n    [foo\n    bar]: http://e.example\n    ```\n",
    ],
)
async def test_nothing_that_may_be_text_is_kept_as_code(text: str):
    """None of it makes an image or a link of what CommonMark reads as text."""
    cleaned = await said(text)
    assert not re.search(r"!\[|\]\(|\]:|<img", cleaned)


@pytest.mark.parametrize(
    "text",
    [
        "Use ``a`b[1]`` and `<img>` or `[x](y)` here.",
        "Delete <pod-name> with `x[0]`.",
        "So:\n~~~\n```\nx[1]\n```\n~~~\nDone.",
        "1. So:\n\n   ```python\n   x = [1]  # a. B\n\n   y = 2\n   ```\n2. Done.",
        "Never closed:\n```\nx[1](y)\n",
        "````md\n```\n![x](y)\n```\n````\nDone with `a[1]`.",
    ],
)
async def test_what_is_code_to_every_reader_stays(text: str):
    assert (await said(text)).rstrip() == text.rstrip()


async def test_what_is_code_to_some_readers_keeps_its_lines():
    text = "1.  **Do** this:\n\n    ```python\n    if x:\n        run(x)\n    ```\n\n```\ndef f():\n    pass\n```"
    assert await said(text) == text.replace("1.  ", "1. ")


async def test_a_block_of_code_comes_line_by_line():
    text = "```python\nx = a\ny = b\nz = c\n```\nDone."
    assert [piece async for piece in unchecked_text(deltas(text))] == [
        *("```python", "\n", "x = a\n", "y = b\n", "z = c\n", "```\n"),
        "Done.",
    ]
