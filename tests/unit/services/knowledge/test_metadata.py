import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.values import INT_MAX, MetadataValue
from services.knowledge.metadata import facts, same, written

numbers = st.integers(-INT_MAX, INT_MAX) | st.floats(-9e18, 9e18)
values = st.booleans() | numbers | st.text(max_size=20) | numbers.map(str)


def as_kept(value: MetadataValue) -> MetadataValue:
    """As PostgreSQL's jsonb gives it back: numbers are exact, and written out."""
    if isinstance(value, str | bool):
        return value
    exact = format(Decimal(json.dumps(value)), "f")
    return json.loads("0" if Decimal(exact) == 0 else exact)


def contains(kept: MetadataValue, asked: MetadataValue) -> bool:
    """As jsonb's `@>` compares two values."""
    if isinstance(kept, str | bool) or isinstance(asked, str | bool):
        return type(kept) is type(asked) and kept == asked
    return Decimal(json.dumps(kept)) == Decimal(json.dumps(asked))


def test_one_value_is_written_one_way():
    assert [written(value) for value in (True, 2024, 2024.0, "2024", 0.5, -0.0, "02", 1e18)] == [
        "true", "2024", "2024", "2024", "0.5", "0", "02", "1000000000000000000",
    ]  # fmt: skip
    assert facts({"b": 1.0, "a": "x=y"}) == ("a=x=y", "b=1")


@given(values)
def test_a_value_is_written_the_same_after_it_was_kept(value: MetadataValue):
    assert written(as_kept(value)) == written(value)


@given(values, values)
def test_both_stores_agree_on_what_is_the_same(kept: MetadataValue, asked: MetadataValue):
    for one in (asked, written(kept)):
        in_index = written(kept) == written(one)
        in_record = any(contains(kept, alternative) for alternative in same(one))
        assert in_index == in_record, (kept, one, same(one))
