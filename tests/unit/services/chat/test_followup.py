import pytest

from services.chat.followup import standalone

BEFORE = "How long is parental leave?"


@pytest.mark.parametrize(
    "question", ["And for interns?", "What about contractors?", "Why?", "Tell me more.", "Does it end?", "more", "And?"]
)
def test_a_follow_up_is_searched_for_with_the_question_before(question: str):
    assert standalone(question, BEFORE) == f"{BEFORE} {question}"


@pytest.mark.parametrize(
    "question",
    [
        "How many holidays are there?",
        "Why is the budget frozen?",
        "Is it possible to carry over annual leave?",
        "And now to something that is not about it at all, but a long question with a subject of its own: who pays?",
    ],
)
def test_a_question_that_can_stand_alone_stays(question: str):
    assert standalone(question, BEFORE) == question


def test_the_first_question_stays():
    assert standalone("And for interns?", None) == "And for interns?"
