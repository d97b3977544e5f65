import numpy as np

from services.embedding.cache import VectorCache


def test_returns_what_was_put_for_the_same_revision_and_tokens() -> None:
    cache = VectorCache(10)
    vector = np.array([0.6, 0.8], np.float32)
    cache.put("r1", [1, 2], vector)
    np.testing.assert_array_equal(cache.get("r1", [1, 2]), vector)
    assert cache.get("r2", [1, 2]) is None
    assert cache.get("r1", [12]) is None
    assert cache.get("r1", [2, 1]) is None


def test_the_least_recently_used_goes_first() -> None:
    cache = VectorCache(2)
    row = np.zeros(2, np.float32)
    cache.put("r", [1], row)
    cache.put("r", [2], row)
    cache.get("r", [1])
    cache.put("r", [3], row)
    assert cache.get("r", [2]) is None
    assert cache.get("r", [1]) is not None
    assert cache.get("r", [3]) is not None


def test_no_entries_keeps_nothing() -> None:
    cache = VectorCache(0)
    cache.put("r", [1], np.zeros(2, np.float32))
    assert cache.get("r", [1]) is None
