from uuid import uuid4

from libs.contracts.knowledge import Expansion, Location, RetrievedPassage
from services.chat.wording import in_the_documents_words

PTO = Expansion(said="PTO", ways=["paid time off", "annual leave"])
QUESTION = "How much PTO do I get?"


def passage(content: str, title: str = "Handbook") -> RetrievedPassage:
    return RetrievedPassage(
        document_id=uuid4(),
        external_id=None,
        chunk_id=uuid4(),
        title=title,
        content=content,
        score=1,
        location=Location(start=0, end=len(content)),
        token_count=5,
    )


def test_the_best_passage_that_knows_the_term_says_how_it_is_called():
    passages = [passage("Lunch."), passage("Annual leave is 20 days."), passage("Paid time off is 20 days.")]
    assert in_the_documents_words(QUESTION, [PTO], passages) == "How much annual leave do I get?"
    assert in_the_documents_words(QUESTION, [PTO], passages[2:]) == "How much paid time off do I get?"
    assert in_the_documents_words(QUESTION, [PTO], [passage("20 days.", "Paid time off")]) != QUESTION


def test_a_question_in_the_documents_words_stays():
    assert in_the_documents_words(QUESTION, [PTO], [passage("PTO, or paid time off, is 20 days.")]) == QUESTION
    assert in_the_documents_words(QUESTION, [PTO], [passage("Lunch.")]) == QUESTION
    assert in_the_documents_words(QUESTION, [], [passage("Paid time off.")]) == QUESTION


def test_only_whole_words_are_reworded_and_nothing_in_them_is_a_pattern():
    other = Expansion(said="C+", ways=[r"\1 grade"])
    assert in_the_documents_words("C+ or C+x?", [other], [passage(r"\1 grade")]) == r"\1 grade or C+x?"
