from uuid import uuid4

import numpy as np
import pytest

from services.chat.answer_cache.near import NearQuestion, NearQuestions, candidates_of, nearest, unpacked
from services.chat.answer_cache.store import LookedUp

ORGANIZATION = uuid4()


def row(*numbers: float) -> np.ndarray:
    vector = np.array(numbers, np.float32)
    return vector / np.linalg.norm(vector)


def near(number: int, question: str = "Who?", vector=None, scope: str = "a") -> NearQuestion:
    return NearQuestion(f"{scope}:{number}", "space", question, row(1, 0) if vector is None else vector)


def looked_up(epoch: str, first: int, start: int, *questions: NearQuestion) -> LookedUp:
    return LookedUp(None, epoch, first, start, [one.packed() for one in questions])


def fields(known: NearQuestions, scope: str = "a") -> list[str]:
    candidates = known.of(ORGANIZATION, scope, "space")
    return [one.field for one in candidates.questions] if candidates else []


@pytest.mark.parametrize("question", ["Who?", "'; DROP--\r\n\x00*3\r\n$3\r\n", "\ud800 half", "سؤال 😀"])
def test_a_question_comes_back_as_it_was(question):
    one = near(1, question, row(0.6, 0.8))
    back = unpacked(one.packed())
    assert (back.field, back.space, back.question) == (one.field, one.space, one.question)
    assert np.allclose(back.vector, one.vector, atol=1e-3)


@pytest.mark.parametrize("broken", [b"", b"abc", near(1).packed()[:9], b"\xff" * 40])
def test_what_is_no_question_is_refused(broken):
    with pytest.raises(ValueError, match=r"no |utf-8|buffer"):
        unpacked(broken)


def test_only_what_is_new_is_read_and_what_redis_dropped_is_forgotten():
    known = NearQuestions()
    known.learn(ORGANIZATION, looked_up("x", 0, 0, near(0), near(1)))
    assert known.read_so_far(ORGANIZATION) == ("x", 2)
    known.learn(ORGANIZATION, looked_up("x", 1, 2, near(2)))
    # A second request had asked for the same tail before the first was answered.
    known.learn(ORGANIZATION, looked_up("x", 1, 2, near(2), near(3)))
    assert fields(known) == ["a:1", "a:2", "a:3"]
    assert known.read_so_far(ORGANIZATION) == ("x", 4)
    # Longer away than the list reaches back.
    known.learn(ORGANIZATION, looked_up("x", 9, 9, near(9)))
    assert fields(known) == ["a:9"]
    assert known.read_so_far(ORGANIZATION) == ("x", 10)
    known.learn(ORGANIZATION, looked_up("y", 0, 0, near(0, scope="b")))
    assert (fields(known), fields(known, "b")) == ([], ["b:0"])


def test_a_list_that_holds_something_else_is_forgotten():
    known = NearQuestions()
    known.learn(ORGANIZATION, looked_up("x", 0, 0, near(0)))
    with pytest.raises(ValueError, match="no question"):
        known.learn(ORGANIZATION, LookedUp(None, "x", 0, 1, [b"?"]))
    assert known.read_so_far(ORGANIZATION) == ("", 0)


def test_the_most_similar_that_asks_for_the_same_is_found():
    kept = [
        near(1, "Who bought the mill?", row(1, 0.1)),
        near(2, "Who sold the mill?", row(1, 0)),
        near(3, "Who bought the mill?", row(0, 1)),
    ]
    candidates = candidates_of(kept)
    found = nearest("By whom was the mill bought?", row(1, 0), candidates)
    assert (found.field, found.difference) == ("a:1", None)
    against = nearest("Who leased the mill?", row(1, 0), candidates)
    assert against.field == "a:2"
    assert against.difference
    assert nearest("Who bought the mill?", row(1, 0, 0), candidates) is None
    assert nearest("Who bought the mill?", row(0, -1), candidates) is None
    assert nearest("Who bought the mill?", row(1, 0), None) is None


def test_vectors_of_another_model_and_answers_of_another_scope_arent_compared():
    known = NearQuestions()
    known.learn(ORGANIZATION, looked_up("x", 0, 0, near(0), near(1, scope="ab")))
    assert known.of(ORGANIZATION, "a", "another space") is None
    assert known.of(uuid4(), "a", "space") is None
    assert (fields(known), fields(known, "ab"), fields(known, "b")) == (["a:0"], ["ab:1"], [])
