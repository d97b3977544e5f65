import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chat.answerability.signals import Asked, Passage, Said

TEXT = "Alice Moreau manages the Paris office. It opened in 1999 near the northern border. Bob Stone leads sales."
PASSAGES = [Passage("Offices", TEXT), Passage("Leave", "Staff earn 13 days of leave a year.")]
OPENED = "The Paris office opened in 1999 near the northern border."


def signals(question: str, sentence: str = OPENED, passage: int = 0) -> dict[str, float]:
    return Asked(question, PASSAGES).signals(Said(sentence, passage, 0.5))


@pytest.mark.parametrize(
    ("signal", "fair", "deceptive"),
    [
        ("names_missing_share", "What is near the Paris office?", "What is near the Lisbon office?"),
        ("numbers_missing", "What opened in 1999?", "What opened in 1989?"),
        ("contrary", "What opened near the northern border?", "What opened near the southern border?"),
        ("no_time", "When did the office open?", "When, in 1999, did the office open?"),
        ("no_person", "What opened in Paris?", "Who opened the Paris office?"),
    ],
)
def test_a_question_made_to_deceive_raises_its_signal(signal: str, fair: str, deceptive: str):
    assert signals(deceptive)[signal] > signals(fair)[signal]


def test_what_only_the_title_says_counts_half():
    question = "Which offices opened?"
    said, beside = "The offices opened.", "They opened."
    assert signals(question, said)["covered"] == 1
    assert signals(question, beside, passage=1)["covered"] < signals(question, beside)["covered"] < 1


def test_a_rare_word_weighs_more_than_a_common_one():
    passages = [Passage("", "The office is here. The office is there. The office has a museum.")]
    asked = Asked("Which office museum?", passages)
    assert asked.signals(Said("A museum.", 0, 0))["covered"] > asked.signals(Said("An office.", 0, 0))["covered"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_every_text_has_the_same_signals_in_numbers(question: str, sentence: str):
    found = Asked(question, PASSAGES).signals(Said(sentence, 1, -0.2))
    assert list(found) == list(signals("Who?"))
    assert all(0 <= value <= 60 for value in found.values())
