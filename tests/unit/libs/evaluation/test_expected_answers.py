import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.evaluation.expected_answers import Expected, contains, exact_match, normalized, token_f1, token_recall

FRANCE = Expected((("France", "the country of France"),))
BOTH = Expected((("Knee", "knees"), ("injury",)))


def test_words_are_compared_as_squad_compares_them():
    assert normalized("The  Cat's “hat”, a Hat!") == ["cats", "hat", "hat"]
    assert exact_match("the France.", FRANCE) == 1
    assert exact_match("It is France.", FRANCE) == 0


def test_the_best_wording_counts():
    assert token_f1("France", FRANCE) == 1
    assert token_f1("It is in France", FRANCE) == pytest.approx(2 * (1 / 4) * 1 / (1 / 4 + 1))
    assert token_f1("Spain", FRANCE) == 0
    assert token_recall("Somewhere in the country", FRANCE) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("A knee injury ended it.", True),
        ("An injury of both knees.", True),
        ("A knee.", False),
        ("Kneeling is an injury.", False),
        ("", False),
    ],
)
def test_every_part_must_be_there_as_words_in_one_of_its_wordings(answer: str, found: bool):
    assert contains(answer, BOTH) is found


def test_a_hyphen_may_part_words_or_join_them():
    assert contains("In the 10th-century town", Expected((("10th century",),)))
    assert contains("It cost $8,803.15 in all", Expected((("$8,803.15",),)))


def test_nothing_expected_is_never_found():
    assert not contains("anything", Expected())
    assert token_f1("anything", Expected()) == 0


@given(st.text(), st.text(min_size=1))
def test_what_is_measured_is_a_share(answer: str, wording: str):
    expected = Expected(((wording,),))
    for measured in (token_f1(answer, expected), token_recall(answer, expected), exact_match(answer, expected)):
        assert 0 <= measured <= 1
    assert token_f1(wording, expected) == 1
