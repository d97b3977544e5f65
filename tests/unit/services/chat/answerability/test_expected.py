import pytest

from libs.text.words import content_stems
from services.chat.answerability.expected import Kind, kind_of, offers


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who approves business class?", Kind.PERSON),
        ("In what year was the office opened?", Kind.TIME),
        ("When do I get paid?", Kind.TIME),
        ("What is a lease?", Kind.OTHER),
    ],
)
def test_what_a_question_expects(question: str, kind: Kind):
    assert kind_of(question) is kind


@pytest.mark.parametrize(
    ("question", "sentence", "offered"),
    [
        ("Who manages Berlin?", "Bob manages Berlin.", True),
        ("Who manages Berlin?", "Berlin is managed from afar.", False),
        ("Who manages Berlin?", "The Berlin office is managed from afar.", False),
        ("Who approves business class?", "Business class requires approval by a director.", True),
        ("Which director approves whose trips?", "Trips are approved by a director.", False),
        ("When did it open?", "It opened in 1999.", True),
        ("When did it open in 1999?", "It opened in 1999.", False),
        ("When did it open?", "It opened with a party.", False),
        ("When is my access cut?", "Access ends as soon as you leave.", True),
        ("In what year did it open?", "It opened after a delay.", False),
        ("What is shut?", "Nothing at all.", True),
    ],
)
def test_a_sentence_offers_what_the_question_has_not_said(question: str, sentence: str, offered: bool):
    assert offers(kind_of(question), question, sentence, content_stems(question)) is offered
