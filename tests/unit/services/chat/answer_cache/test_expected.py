from uuid import uuid4

import pytest

from libs.contracts.knowledge import Standing
from services.chat.answer_cache import expected
from services.chat.answer_cache.expected import ExpectedSources, Stood


def test_each_organisation_expects_its_own_sources_and_the_oldest_are_forgotten() -> None:
    ours, theirs, first, second = (uuid4() for _ in range(4))
    sources = ExpectedSources(remembered=2)
    sources.note(ours, "Who?", [first])
    sources.note(theirs, "Who?", [second])
    assert (sources.of(ours, "Who?"), sources.of(theirs, "Who?"), sources.of(ours, "Why?")) == ((first,), (second,), ())
    sources.note(ours, "When?", [second])
    assert (sources.of(ours, "Who?"), sources.of(ours, "When?")) == ((), (second,))


def test_what_was_told_of_access_is_believed_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(expected.time, "monotonic", lambda: now)
    passage = uuid4()
    stood = Stood(Standing(knowledge_version=1, access_key="x", readable=[passage]), asked_at=now)
    assert set(stood.readable()) == {passage}
    now += expected.BELIEVED_S * 2
    assert set(stood.readable()) == set()
