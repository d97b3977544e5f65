import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from libs.inference.late_interaction import (
    bytes_per_token,
    maxsim,
    pack_passage,
    pack_query,
    query_tokens,
)

DIMENSION = 384


def directions(count: int, seed: int = 0, dimension: int = DIMENSION) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def exact(query: NDArray[np.float32], passage: NDArray[np.float32]) -> float:
    return float((query @ passage.T).max(axis=1).mean())


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(1, 12), st.integers(0, 99))
def test_scores_stay_near_those_of_the_vectors_before_packing(lengths: list[int], asked: int, seed: int):
    query = directions(asked, seed)
    noise = np.random.default_rng(seed)
    passages = [directions(length, seed + number + 1) for number, length in enumerate(lengths)]
    for passage in passages:
        if len(passage):  # one token that means nearly what the query's first does
            passage[noise.integers(len(passage))] = query[0]
    scores = maxsim(query, [pack_passage(passage) for passage in passages])
    assert scores.shape == (len(lengths),)
    for score, passage in zip(scores, passages, strict=True):
        assert abs(score - (exact(query, passage) if len(passage) else 0)) < 0.15


def test_the_passage_that_holds_the_querys_tokens_comes_first():
    query = directions(6)
    other, same = directions(300, 1), np.concatenate([directions(300, 2), query])
    scores = maxsim(query, [pack_passage(other), pack_passage(same), b""])
    assert scores.argmax() == 1
    assert scores[1] > 0.9
    assert scores[2] == 0


def test_a_query_without_tokens_scores_nothing():
    assert maxsim(directions(0), [pack_passage(directions(3))]).tolist() == [0]
    assert maxsim(directions(2), []).tolist() == []


def test_a_passage_takes_the_bytes_that_its_tokens_need():
    assert len(pack_passage(directions(7))) == 7 * 48
    assert pack_passage(directions(0)) == b""


def test_a_query_keeps_its_precision():
    query = directions(5)
    np.testing.assert_allclose(query_tokens(pack_query(query), DIMENSION), query, atol=1e-3)
    assert query_tokens(b"", DIMENSION).shape == (0, DIMENSION)


def test_bytes_of_another_form_are_refused():
    with pytest.raises(ValueError, match="48 bytes"):
        maxsim(directions(1), [b"x" * 49])
    with pytest.raises(ValueError, match="reshape"):
        query_tokens(b"xy", DIMENSION)


@pytest.mark.parametrize("dimension", [1, 8, 100, 128, 767, 768])
def test_any_number_of_dimensions_is_compared(dimension: int):
    query = directions(6, dimension=dimension)
    other, same = directions(9, 1, dimension), np.concatenate([directions(9, 2, dimension), query])
    packed = [pack_passage(other), pack_passage(same)]
    assert [len(passage) for passage in packed] == [count * bytes_per_token(dimension) for count in (9, 15)]
    expected = [exact(query, other), exact(query, same)]
    again = query_tokens(pack_query(query), dimension)
    np.testing.assert_allclose(maxsim(again, packed), expected, atol=4 / dimension**0.5)
