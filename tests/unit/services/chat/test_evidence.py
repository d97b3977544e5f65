from hypothesis import given
from hypothesis import strategies as st

from services.chat.evidence import evidence, too_weak
from tests.unit.services.chat.test_prompt import passage

QUESTION = "How many days of annual leave do staff earn?"
LEAVE = passage(10).model_copy(update={"content": "Staff earn 13 days of annual leave.", "similarity": 0.7})
MOON = passage(10).model_copy(update={"content": "The moon is far away.", "similarity": 0.1})


def test_passages_that_answer_are_enough_and_others_are_not():
    assert not too_weak(evidence(QUESTION, [MOON, LEAVE]), [MOON, LEAVE])
    assert too_weak(evidence(QUESTION, [MOON]), [MOON])


def test_without_similarities_the_words_decide():
    blind = LEAVE.model_copy(update={"similarity": None})
    assert evidence(QUESTION, [blind]) == 1.0
    assert not too_weak(evidence(QUESTION, [blind]), [blind])
    half = "How many days of parental leave do fathers take?"
    assert too_weak(evidence(half, [blind]), [blind])


def test_the_title_counts():
    titled = MOON.model_copy(update={"title": "Annual leave of staff: days"})
    assert evidence(QUESTION, [titled]) > evidence(QUESTION, [MOON])


@given(st.text(max_size=60), st.lists(st.tuples(st.text(max_size=60), st.none() | st.floats(-1, 1)), max_size=5))
def test_it_lies_between_0_and_1(question: str, found: list[tuple[str, float | None]]):
    passages = [LEAVE.model_copy(update={"content": content, "similarity": cosine}) for content, cosine in found]
    assert 0 <= evidence(question, passages) <= 1
