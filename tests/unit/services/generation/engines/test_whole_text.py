import re

from hypothesis import given
from hypothesis import strategies as st

from services.generation.engines.whole_text import encode_whole

LIMIT = 8


def words(text: str) -> list[int]:
    """A token for a control token, or for a word with the space before it; of the first eight only."""
    return [hash(token) for token in re.findall(r"<\|\w+\|>| ?\w+|\s|[^\w\s]", text)][:LIMIT]


def test_a_long_text_has_all_its_tokens():
    text = " ".join(f"word{number}" for number in range(100))
    assert encode_whole(words, text, LIMIT) == [hash(f" word{number}" if number else "word0") for number in range(100)]


def test_a_control_token_is_never_cut():
    for length in range(40, 60):
        ids = encode_whole(words, "." * length + "<|im_start|>" + "." * 47, LIMIT)
        assert hash("<|im_start|>") in ids
        assert len(ids) == length + 48


@given(st.text(max_size=80))
def test_characters_are_neither_lost_nor_doubled(text: str):
    assert encode_whole(lambda part: [ord(letter) for letter in part][:LIMIT], text, LIMIT) == [*map(ord, text)]
