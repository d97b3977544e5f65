import pytest

from services.generation.engines.answer_kinds import PARTLY, AnswerKind, Offers, kind_asked_for


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who approves business class?", AnswerKind.PERSON),
        ("By whom was it approved?", AnswerKind.PERSON),
        ("The trip was approved by whom?", AnswerKind.PERSON),
        ("When is my access cut?", AnswerKind.DATE),
        ("In what year did the office open?", AnswerKind.DATE),
        ("Office opening date", AnswerKind.DATE),
        ("What is the release date of version 2?", AnswerKind.DATE),
        ("Where do I send the form?", AnswerKind.PLACE),
        ("In which city is the office?", AnswerKind.PLACE),
        ("How much does a badge cost?", AnswerKind.MONEY),
        ("What is the monthly price of a seat?", AnswerKind.MONEY),
        ("How many people who travel need a visa?", AnswerKind.NUMBER),
        ("When did the people who travel return?", AnswerKind.DATE),
        ("What do I do when my badge is lost?", None),
        ("Which form do people who travel need?", None),
        ("Wann öffnet das Büro?", None),
    ],
)
def test_what_a_question_asks_for(question: str, kind: AnswerKind | None):
    assert kind_asked_for(question) is kind


@pytest.mark.parametrize(
    ("question", "sentence", "offered"),
    [
        ("Who runs the Berlin office?", "Ada Miller runs the Berlin office.", 1.0),
        ("Who runs the Berlin office?", "Miller runs the Berlin office.", PARTLY),
        ("Who runs the Berlin office?", "The Berlin office is run by a director.", PARTLY),
        ("Who runs the Berlin office?", "Here is who runs the Berlin office.", 0.0),
        ("When was it opened in 2022?", "It was opened on May 3, 2022.", 1.0),
        ("When was it opened in 2022?", "It was opened in 2022.", 0.0),
        ("When was it opened?", "Here is all that is known of when it may be opened.", 0.0),
        ("When was it opened?", "It was opened one Monday.", 1.0),
        ("Where is the party?", "The party is at Tower Hall.", 1.0),
        ("Where is the party?", "The party is a great place to be.", 0.0),
        ("How much is a seat?", "A seat costs $100.", 1.0),
        ("How much is a seat?", "Seats are sold at a price.", 0.0),
        ("How many seats are in room 12?", "In room 12 are 40 seats.", 1.0),
        ("How many seats are in room 12?", "Room 12 has many seats.", 0.0),
        ("What is a seat?", "Ada Miller has a seat for $100.", 0.0),
    ],
)
def test_a_sentence_offers_what_the_question_has_not_told(question: str, sentence: str, offered: float):
    assert Offers(question).by(sentence) == offered
