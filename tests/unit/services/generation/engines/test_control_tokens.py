import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.engines.control_tokens import control_token_escaper

TOKENS = ["<|im_start|>", "<|im_end|>", "<s>", "</s>", "[INST]", "<tool_call>", "<<", "<|"]
escape = control_token_escaper(TOKENS)


def test_a_token_is_broken_but_readable():
    assert control_token_escaper(["<|im_end|>"])("end: <|im_end|>!") == "end: < |im_end|>!"


def test_other_text_is_left_alone():
    text = "a < b, <b>bold</b>, [INST, |im_end|, <im_end>"
    assert control_token_escaper(["<|im_end|>", "[INST]"])(text) == text
    assert control_token_escaper([])("<|im_end|>") == "<|im_end|>"


@given(st.lists(st.sampled_from([*TOKENS, "<", "|", ">", "im_end", " ", "s", "x"]) | st.text(max_size=3)).map("".join))
def test_no_token_survives_however_it_is_nested(text: str):
    escaped = escape(text)
    assert not any(token in escaped for token in TOKENS)
    assert escaped.replace(" ", "") == text.replace(" ", "")


def test_a_token_of_one_character_is_refused():
    with pytest.raises(ValueError, match="can't be escaped"):
        control_token_escaper(["<"])
