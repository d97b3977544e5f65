import pytest

from libs.text.stems import reading_in
from services.chat.grounding.repetition import last_answer

ASKED = ("When does the lighthouse open?",)
SAID = "The lighthouse opens at nine. [1] It has 90 steps. [2][3]"


@pytest.mark.parametrize(
    ("follow_up", "sentence", "around", "repeats"),
    [
        ("And the boat shed?", "The lighthouse opens at nine.", "Opening hours", True),
        ("And the boat shed?", "It has 90 steps.", "", True),
        ("And the boat shed?", "The lighthouse opens at nine.", "Lighthouse and boat shed", False),
        ("And the boat shed?", "The boat shed opens at ten.", "", False),
        ("And the boat shed?", "The lighthouse opens at nine on weekdays.", "", False),
        ("And the steps?", "It has 90 steps.", "", False),
        ("And when does the lighthouse open?", "The lighthouse opens at nine.", "", False),
        ("Why?", "The lighthouse opens at nine.", "", False),
    ],
)
def test_the_last_answer_once_more(follow_up: str, sentence: str, around: str, repeats: bool):
    assert last_answer(follow_up, ASKED, SAID).is_repeated_by(sentence, around) is repeats


def test_a_word_within_a_compound_is_said():
    with reading_in("de"):
        last = last_answer("Und mit Hotel?", ("Was zahlt die Firma?",), "Die Firma zahlt die Hotelkosten. [1]")
        assert not last.is_repeated_by("Die Firma zahlt die Hotelkosten.", "")
