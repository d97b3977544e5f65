import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from services.chat.inert import inert

MARKDOWN = MarkdownIt("commonmark")


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://evil.example/x.png?d=1)",
        "see [here](https://evil.example)",
        "![x][1]\n\n[1]: https://evil.example/x.png",
        "[1]: https://evil.example/x.png",
        '<img src="https://evil.example/x.png">',
        "<https://evil.example>",
        r'\<img src="https://evil.example/x.png">',
        "[![x](https://evil.example/x.png)](https://evil.example)",
        "![x]\n\n[x]:https://evil.example/x.png",
        "a \\](https://evil.example) [b\\](https://evil.example)",
    ],
)
def test_nothing_of_it_is_loaded_or_led_to(text: str):
    page = MARKDOWN.render(inert(text))
    assert "<img" not in page
    assert "<a " not in page


@given(st.text(alphabet="[]()!<>:\\ax\n /h", max_size=40))
def test_whatever_signs_it_has(text: str):
    page = MARKDOWN.render(inert(text))
    assert "<img" not in page
    assert "<a " not in page


def test_plain_words_and_markers_stay():
    said = "The ferry leaves at 07:40. [1] It costs < 5 € in [2024]; a[i] stays."
    assert inert(said) == said.replace("<", "&lt;")
    assert MARKDOWN.renderInline(inert(said)) == said.replace("<", "&lt;")
