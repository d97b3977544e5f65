import math

import numpy as np
import pytest

from scripts.bench.judged import Judged, handbook, mean_ndcg

DOCUMENTS = np.eye(4, dtype=np.float32)


def judged(*relevant: set[int]) -> Judged:
    return Judged("four directions", ["a", "b", "c", "d"], ["q"] * len(relevant), list(relevant))


def test_the_best_order_scores_one_and_a_place_lower_less():
    query = np.array([[0.9, 0.4, 0.1, 0]], np.float32)
    assert mean_ndcg(judged({0}), DOCUMENTS, query) == pytest.approx(1)
    assert mean_ndcg(judged({1}), DOCUMENTS, query) == pytest.approx(1 / math.log2(3))
    assert mean_ndcg(judged({0, 1}), DOCUMENTS, query) == pytest.approx(1)


def test_queries_without_an_answer_dont_count():
    queries = np.array([[1, 0, 0, 0], [1, 0, 0, 0]], np.float32)
    assert mean_ndcg(judged({0}, set()), DOCUMENTS, queries) == pytest.approx(1)


def test_the_handbook_has_answers_for_its_questions():
    bundled = handbook()
    assert len(bundled.documents) > 100
    assert len(bundled.queries) > 20
    assert all(bundled.relevant)
