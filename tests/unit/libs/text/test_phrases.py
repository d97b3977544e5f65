import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.text.phrases import MOST_WORDS, Said, phrase_key, phrase_places


def says(text: str, phrase: str) -> list[str]:
    """The pieces of the text that are the phrase."""
    key = phrase_key(phrase)
    return [text[place.start : place.end] for place in phrase_places(text, 100) if key in place.keys]


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("How much PTO do I get?", "PTO", ["PTO"]),
        ("how much pto do i get?", "PTO", []),
        ("how much PTO do i get?", "pto", ["PTO"]),
        ("Is it open?", "IT", []),
        ("Who is IT?", "IT", ["IT"]),
        ("Unit tests", "IT", []),
        ("WHERE DO I FIND IT", "IT", []),
        ("WHERE IS MY PTO", "PTO", ["PTO"]),
        ("IT", "IT", ["IT"]),
        ("two PTOs and the PTO's owner", "PTO", ["PTOs", "PTO"]),
        ("paid time-off and Paid  Time off", "paid time off", ["paid time-off", "Paid  Time off"]),
        ("on paid time. Off we go", "paid time off", []),
        ("contracting officers", "Contracting Officer", ["contracting officers"]),
        ("the R&D team", "R&D", ["R&D"]),
        ("ask the Office of Management, Budget", "office of management, budget", ["Office of Management, Budget"]),
        ("is C++ (new) fine", "C++ (new)", ["C++ (new"]),
        ("ask the U.S. office", "U.S.", ["U.S"]),
        ("die Größe", "GRÖSSE", []),
        ("le café", "CAFÉ", []),
        ("\uff30\uff34\uff2f days", "PTO", ["\uff30\uff34\uff2f"]),
    ],
)
def test_where_a_phrase_stands(text: str, phrase: str, found: list[str]):
    assert says(text, phrase) == found


@pytest.mark.parametrize("phrase", ["", "?!", "it", "the", "us and them"])
def test_some_phrases_can_not_be_looked_for(phrase: str):
    assert phrase_key(phrase) is None


@given(st.text(max_size=200))
def test_places_are_pieces_of_the_text_and_few(text: str):
    places = list(phrase_places(text, 20))
    assert len(places) <= 20 * MOST_WORDS
    assert all(0 <= place.start < place.end <= len(text) for place in places)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_text_says_its_own_words(before: str, after: str):
    assert "time off" in Said(f"{before} Time off {after}")
    assert "PTO" in Said(f"{before} PTOs {after}")


def test_a_text_says_an_acronym_in_capitals_only():
    said = Said("It is what the units say of paid time off.")
    assert "IT" not in said
    assert "Paid Times Off" in said
    assert "time of" not in said
