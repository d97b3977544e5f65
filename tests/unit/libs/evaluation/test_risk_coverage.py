from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.evaluation.risk_coverage import Attempt, area, point_at, risk_coverage

RIGHT, WRONG = Attempt(True, True, True, 0.9), Attempt(True, True, False, 0.4)
MISLED = Attempt(False, True, False, 0.6)
REFUSED, TIMID = Attempt(False, False, False, 0.0), Attempt(True, False, False, 0.0)
ATTEMPTS = [WRONG, RIGHT, MISLED, REFUSED, TIMID]


def test_each_confidence_is_a_point_and_the_last_is_what_was_measured():
    first, second, third = risk_coverage(ATTEMPTS)
    assert (first.threshold, first.coverage, first.risk, first.right, first.refused) == (0.9, 0.2, 0, 1 / 3, 1)
    assert (second.coverage, second.risk, second.refused) == (0.4, 0.5, 0.5)
    assert (third.coverage, third.risk, third.right) == (pytest.approx(0.6), pytest.approx(2 / 3), 1 / 3)


def test_equal_confidences_are_answered_or_refused_together():
    [point] = risk_coverage([RIGHT, Attempt(False, True, False, 0.9)])
    assert (point.coverage, point.risk) == (1, 0.5)


def test_without_one_of_the_kinds_its_share_is_unknown():
    assert [point.refused for point in risk_coverage([RIGHT])] == [None]
    assert [point.right for point in risk_coverage([MISLED])] == [None]
    assert risk_coverage([REFUSED]) == []
    assert area([]) is None


def test_the_wanted_share_is_met_at_the_highest_threshold_or_never():
    points = risk_coverage(ATTEMPTS)
    assert point_at(points, 1 / 3) == points[0]
    assert point_at(points, 0.6) is None


@given(st.lists(st.builds(Attempt, st.booleans(), st.booleans(), st.booleans(), st.floats(0, 1)), min_size=1))
def test_answering_more_never_refuses_more(attempts: list[Attempt]):
    points = risk_coverage(attempts)
    for one, next_one in pairwise(points):
        assert one.threshold > next_one.threshold
        assert one.coverage < next_one.coverage
        assert (one.right or 0) <= (next_one.right or 0)
        assert (one.refused or 0) >= (next_one.refused or 0)
    found = area(points)
    assert found is None or 0 <= found <= 1
