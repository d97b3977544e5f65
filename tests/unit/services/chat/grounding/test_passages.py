import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.text.sentences import split_sentences
from services.chat.grounding.passages import Passages
from tests.unit.services.chat.grounding.samples import source

EXCERPT = """# Travel
Employees may **book economy** class,
when the flight is short. It isn’t true that wine is paid [3].

These are required:
1. a passport
2. a visa

| Class | Approval |
| --- | --- |
| Business | Director |"""


def found(text: str) -> list[str]:
    verbatim = Passages([source(1, EXCERPT)]).verbatim(text)
    return [EXCERPT[span.start : span.end] for span in verbatim[1]] if verbatim else []


@pytest.mark.parametrize(
    "text",
    [
        "Employees may book economy class, when the flight is short.",
        "employees may book  economy class,\nwhen the flight is short.",
        "Employees may **book economy** class, when the flight is short. [2]",
        "- Employees may book economy class, when the flight is short",
    ],
)
def test_whole_sentences_are_found_whatever_their_markup(text: str):
    assert found(text) == ["Employees may **book economy** class,\nwhen the flight is short."]


def test_a_sentence_with_a_marker_of_its_own_is_found_without_it():
    assert found("It isn't true that wine is paid.") == ["It isn’t true that wine is paid [3]."]


def test_a_list_item_and_a_row_are_whole_sentences():
    assert found("a visa") == ["2. a visa"]
    assert found("| Business | Director |") == ["| Business | Director |"]


@pytest.mark.parametrize("text", ["wine is paid.", "Employees may book economy class", "a pass", "", " ?! "])
def test_a_part_of_a_sentence_is_not_the_sentence(text: str):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "excerpt", "same"),
    [
        ("5 °C is the least.", "-5 °C is the least.", False),
        ("5 °C is the least.", "−5 °C is the least.", False),
        ("5 mg is toxic.", "> 5 mg is toxic.", False),
        ("> 5 mg is toxic.", "> 5 mg is toxic.", True),
        ("> 5 mg is toxic.", "5 mg is toxic.", False),
        ("-5 °C is the least.", "-5 °C is the least.", True),
        ("5 items are free.", "- 5 items are free.", True),
    ],
)
def test_a_number_that_opens_a_sentence_keeps_its_sign(text: str, excerpt: str, same: bool):
    assert (Passages([source(1, excerpt)]).verbatim(text) is not None) is same


def test_several_sentences_are_found_together():
    passages = Passages([source(1, "Nothing here."), source(2, "One thing. Another thing. A third.")])
    n, spans = passages.verbatim("Another thing. A third.") or (0, ())
    assert n == 2
    assert len(spans) == 2


def test_units_join_what_makes_sense_only_together():
    excerpt = "Alice runs Paris. She joined late. Bob runs Rome.\n\nBring these:\n- a pen\n- a pad"
    texts = [unit.text for unit in Passages([source(1, excerpt)]).units]
    assert "Alice runs Paris. She joined late." in texts
    assert "Bring these: - a pad" in texts
    assert "Bring these: - a pen - a pad" in texts
    assert not any("Paris" in text and "Rome" in text for text in texts)


@given(st.text(max_size=300))
def test_every_sentence_of_a_text_is_found_in_it(text: str):
    passages = Passages([source(1, text)])
    for span in split_sentences(text):
        sentence = text[span.start : span.end]
        verbatim = passages.verbatim(sentence)
        if verbatim:
            assert all(0 <= place.start < place.end <= len(text) for place in verbatim[1])
        for unit in passages.units:
            assert all(text[place.start : place.end] for place in unit.spans)


def test_a_table_header_that_stands_before_the_excerpt_is_said_by_its_source() -> None:
    passages = Passages([source(1, "Nothing."), source(2, "| pro | 1,000 |", table_header="| plan | messages |")])
    assert passages.verbatim("| plan |  messages |") == (2, ())
    assert passages.verbatim("| plan |") is None
    assert passages.verbatim("| pro | 1,000 |") is not None
