from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.chat import AnswerMetadata, AnswerTrace, ChatMessage, Disagreement, Outcome
from libs.text.sentences import Span
from services.chat.grounding.citations import AnswerBuilder
from services.chat.grounding.support import Cited
from services.chat.history import (
    GONE,
    chunks_of,
    trace_with_readable_only,
    with_readable_only,
)
from services.chat.texts import texts
from tests.unit.services.chat.grounding.samples import source

SOURCES = [source(n, f"excerpt {n}", title=f"title {n}") for n in (1, 2, 3)]
SENTENCES = st.lists(
    st.tuples(st.text(min_size=1, max_size=12), st.sets(st.sampled_from([1, 2, 3]), min_size=1)), max_size=6
)


@given(SENTENCES, st.sets(st.sampled_from([1, 2, 3])))
def test_sentences_without_a_readable_source_are_replaced_and_all_offsets_stay_exact(sentences, readable):
    builder = AnswerBuilder()
    for text, numbers in sentences:
        builder.add(text, [Cited(n, (Span(0, 7),)) for n in numbers])
    message = ChatMessage(
        id=uuid4(), role="assistant", content=builder.text, status="completed", created_at=datetime.now(UTC),
        citations=builder.citations, sources=SOURCES,
    )  # fmt: skip
    shown = with_readable_only(message, {one.chunk_id for one in SOURCES if one.n in readable})
    assert len(shown.citations) == len(builder.citations)
    for before, after in zip(builder.citations, shown.citations, strict=True):
        text = message.content[before.start : before.end]
        numbers = {one.n for one in builder.citations if (one.start, one.end) == (before.start, before.end)}
        expected = text if numbers & readable else texts(None).gone
        assert shown.content[after.start : after.end] == expected
        assert (after.n, bool(after.spans)) == (before.n, before.n in readable)
    for one in shown.sources:
        assert (one.excerpt == GONE, one.title == GONE) == (one.n not in readable,) * 2


@pytest.mark.parametrize(
    ("language", "gone"),
    [
        (None, "(This sentence's source is no longer available.)"),
        ("ja", "(This sentence's source is no longer available.)"),
        ("de", "(Die Quelle dieses Satzes ist nicht mehr verfügbar.)"),
    ],
)
def test_a_marked_sentence_goes_with_any_source_and_the_marks_stay_exact(language: str | None, gone: str):
    builder = AnswerBuilder()
    builder.add("Send it in May.", [Cited(1, (Span(0, 7),))])
    builder.add_unsupported("It pays.")
    builder.add("Pay 5 euros.", [Cited(2, (Span(0, 7),))])
    metadata = AnswerMetadata(
        tokens_used=1, response_time_ms=1, model_used="llm", cached=False, outcome=Outcome.ANSWERED, grounded=True,
        confidence=0.5, finish_reason="stop", degraded=[], unsupported=builder.unsupported,
        language=language,
        disagreements=[Disagreement(preferred=1, other=2, differs="number", because="date", start=builder.citations[1].start, end=builder.citations[1].end)],
    )  # fmt: skip
    message = ChatMessage(
        id=uuid4(), role="assistant", content=builder.text, status="completed", created_at=datetime.now(UTC),
        citations=builder.citations, sources=SOURCES, metadata=metadata,
    )  # fmt: skip
    shown = with_readable_only(message, {one.chunk_id for one in SOURCES if one.n != 1})
    assert shown.content == f"{gone} [1] {texts(language).unsupported} [unsupported] Pay 5 euros. [2]"
    assert shown.metadata is not None
    [mark], [disagreement] = shown.metadata.unsupported, shown.metadata.disagreements
    assert shown.content[mark.start : mark.end] == texts(language).unsupported
    assert shown.content[disagreement.start : disagreement.end] == "Pay 5 euros."


def test_a_trace_keeps_numbers_and_loses_words():
    seen, gone = uuid4(), uuid4()
    trace = AnswerTrace(
        message_id=uuid4(),
        question="Why?",
        steps=[
            {
                "step": "prompt",
                "passages": [{"chunk_id": str(seen), "title": "A"}, {"chunk_id": str(gone), "title": "B", "score": 1}],
            },
            {"step": "generate", "sentences": [{"kept": False, "text": "B says so.", "support": 0.2}]},
        ],
    )
    assert chunks_of(trace) == [seen, gone]
    assert trace_with_readable_only(trace, {seen, gone}) == trace
    shown = trace_with_readable_only(trace, {seen})
    prompt, generate = shown.steps
    assert prompt["passages"] == [
        {"chunk_id": str(seen), "title": "A"},
        {"chunk_id": str(gone), "title": GONE, "score": 1},
    ]
    assert generate["sentences"] == [{"kept": False, "text": GONE, "support": 0.2}]
