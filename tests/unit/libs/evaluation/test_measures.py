import pytest

from libs.evaluation.measures import HEADLINE, difference, mean, per_query

RELEVANT = {"q1": {"a": 1, "b": 1}, "q2": {"c": 2, "d": 1}, "q3": {"e": 1}}


def test_the_measures_are_those_of_trec_eval():
    found = per_query(RELEVANT, {"q1": ["x", "a", "b"], "q2": ["c", "d"], "q3": []})
    assert found["q2"] == {"nDCG@10": 1.0, "Recall@10": 1.0, "Recall@100": 1.0, "MRR@10": 1.0, "P@10": 0.2}
    assert found["q1"]["MRR@10"] == 0.5
    # (1/log2 3 + 1/log2 4) / (1 + 1/log2 3)
    assert found["q1"]["nDCG@10"] == pytest.approx(0.6934264)
    assert set(found["q3"].values()) == {0.0}


def test_a_reciprocal_rank_beyond_ten_counts_nothing():
    late = per_query({"q": {"a": 1}}, {"q": [*"0123456789", "a"]})["q"]
    assert (late["MRR@10"], late[HEADLINE], late["Recall@10"], late["Recall@100"]) == (0.0, 0.0, 0.0, 1.0)


def test_the_interval_holds_the_mean_and_narrows_with_more_questions():
    few, many = mean([0.0, 1.0, 0.5, 0.5]), mean([0.0, 1.0, 0.5, 0.5] * 100)
    assert few.low < few.value == 0.5 < few.high
    assert many.high - many.low < few.high - few.low
    assert mean([0.7]) == mean([0.7])


def test_a_difference_is_told_from_noise():
    worse = difference([0.4] * 30, [0.5] * 30)
    assert worse.value == pytest.approx(-0.1)
    assert worse.p_better < 0.01
    equal = difference([0.5, 0.1], [0.5, 0.1])
    assert (equal.value, equal.p_worse) == (0.0, 0.5)
    noise = difference([0.5, 0.1, 0.9, 0.3], [0.4, 0.3, 0.8, 0.35])
    assert 0.05 < noise.p_worse < 0.95
