import jwt
import numpy as np
import pytest

from libs.clients.context import RequestContext
from services.embedding.cache import CachedText, CacheScope, VectorCache
from services.embedding.ports import EmbeddedText
from services.embedding.tenancy import tenant_of

ROW = np.array([0.6, 0.8], np.float32)
SCOPE = CacheScope("r1", "harbour")


def put(cache: VectorCache, text: str, tokens: list[int]) -> None:
    cache.put(SCOPE, text, SCOPE.vector_key(tokens), CachedText(ROW, len(tokens)))


def test_a_text_is_found_letter_by_letter_and_by_what_the_model_reads_of_it() -> None:
    cache = VectorCache(10)
    put(cache, "Hello", [1, 2])
    recalled = cache.recall(SCOPE, "Hello")
    assert recalled is not None
    assert recalled.tokens == 2
    np.testing.assert_array_equal(recalled.vector, ROW)
    assert cache.recall(SCOPE, "hello") is None
    np.testing.assert_array_equal(cache.get(SCOPE.vector_key([1, 2])), ROW)
    assert cache.get(SCOPE.vector_key([12])) is None
    assert cache.get(SCOPE.vector_key([2, 1])) is None


def test_neither_another_model_nor_another_tenant_finds_it() -> None:
    cache = VectorCache(10)
    put(cache, "Hello", [1, 2])
    for other in (CacheScope("r2", "harbour"), CacheScope("r1", "railway"), CacheScope("r1", "")):
        assert cache.recall(other, "Hello") is None
        assert cache.get(other.vector_key([1, 2])) is None


def test_the_least_recently_used_goes_first() -> None:
    cache = VectorCache(2)
    put(cache, "one", [1])
    put(cache, "two", [2])
    cache.recall(SCOPE, "one")
    put(cache, "three", [3])
    assert cache.recall(SCOPE, "two") is None
    assert cache.get(SCOPE.vector_key([1])) is not None
    assert cache.get(SCOPE.vector_key([3])) is not None


def test_no_entries_keeps_nothing() -> None:
    cache = VectorCache(0)
    put(cache, "one", [1])
    assert cache.recall(SCOPE, "one") is None
    cache.put_query(SCOPE.vector_key([1]), EmbeddedText(ROW, b"tokens"))
    assert cache.query(SCOPE.vector_key([1])) is None


def test_token_vectors_are_kept_up_to_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.embedding.cache.MAX_TOKENS_BYTES", 2 * (ROW.nbytes + 10))
    cache = VectorCache(10)
    one, two, three = (SCOPE.vector_key([number]) for number in (1, 2, 3))
    for _ in range(3):
        cache.put_query(one, EmbeddedText(ROW, b"1" * 10))
    cache.put_query(two, EmbeddedText(ROW, b"2" * 10))
    assert cache.query(one)
    cache.put_query(three, EmbeddedText(ROW, b"3" * 10))
    found = cache.query(one)
    assert found
    assert found.tokens == b"1" * 10
    np.testing.assert_array_equal(found.vector, ROW)
    assert cache.query(two) is None
    cache.put_query(two, EmbeddedText(ROW, b"2" * 100))
    assert [cache.query(key) for key in (one, two, three)] == [None] * 3


def test_a_key_says_nothing_of_the_text() -> None:
    assert b"secret" not in SCOPE.text_key("secret")
    assert len(SCOPE.text_key("secret" * 1_000)) == 16


def test_tenants_are_told_apart_by_the_organisation_of_the_users_token() -> None:
    def bearer(organization: str, session: str) -> str:
        token = jwt.encode({"org": organization, "sid": session}, "k" * 32, "HS256")
        return tenant_of(RequestContext(authorization=f"Bearer {token}"))

    assert bearer("harbour", "s1") == bearer("harbour", "s2") == "harbour"
    assert bearer("railway", "s1") == "railway"
    assert tenant_of(RequestContext()) == ""
    unreadable = {tenant_of(RequestContext(authorization=header)) for header in ("Bearer x.y", "Basic abc", "odd")}
    assert len(unreadable | {""}) == 4
