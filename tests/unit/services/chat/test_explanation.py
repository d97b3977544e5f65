from datetime import UTC, datetime
from uuid import uuid4

from libs.contracts.chat import AnswerTrace, ChatMessage
from services.chat.explanation import as_text, explained
from services.chat.history import GONE
from tests.unit.services.chat.grounding.samples import source

SOURCES = [source(1, "Send it in May. Or later."), source(2, "It costs 5 euros.")]
ANSWER = ChatMessage(
    id=uuid4(), role="assistant", content="Send it in May. [1] Do so gladly. [unsupported]", status="completed",
    created_at=datetime.now(UTC), sources=SOURCES,
)  # fmt: skip
CITED = {"n": 1, "score": 1.0, "spans": [{"start": 0, "end": 15}]}
TRACE = AnswerTrace(
    message_id=ANSWER.id,
    question="When?",
    steps=[
        {"step": "prompt", "passages": [{"chunk_id": str(one.chunk_id), "n": one.n} for one in SOURCES]},
        {
            "step": "generate",
            "ms": 12.5,
            "model": "llm",
            "sentences": [
                {"kept": True, "verdict": "supported", "support": 1.0, "sources": [CITED], "start": 0, "end": 15},
                {"kept": True, "verdict": "unsupported", "support": 0.2, "sources": [], "start": 20, "end": 33,
                 "lacks": "too little support"},
                {"kept": False, "verdict": "contradicted", "support": 0.0, "sources": [], "text": "It costs 9 euros.",
                 "cut": "the number '9' isn't in the passage"},
            ],
        },
    ],
)  # fmt: skip


def test_every_sentence_has_its_verdict_its_reason_and_the_words_behind_it():
    said, marked, cut = explained(TRACE, ANSWER, {one.chunk_id for one in SOURCES})
    assert (said.sentence, said.why) == ("Send it in May.", "[1] has it word for word")
    assert [(place.n, place.text) for place in said.sources] == [(1, "Send it in May.")]
    assert (marked.sentence, marked.shown, marked.why) == ("Do so gladly.", True, "too little support")
    assert (cut.sentence, cut.shown, cut.start) == ("It costs 9 euros.", False, None)
    assert cut.why == "the number '9' isn't in the passage"


def test_what_may_not_be_read_is_told_without_its_words():
    said, *others = explained(TRACE, ANSWER, {SOURCES[0].chunk_id})
    assert said.sentence == "Send it in May."
    assert [(one.sentence, one.why) for one in others] == [(GONE, GONE)] * 2
    said, *_ = explained(TRACE, ANSWER, {SOURCES[1].chunk_id})
    assert (said.sentence, said.sources[0].text, said.sources[0].spans) == (GONE, GONE, [])


def test_a_trace_kept_before_sentences_were_explained_still_loads():
    old = TRACE.model_copy(update={"steps": [{"step": "generate", "sentences": [{"kept": True, "sources": [1]}]}]})
    assert explained(old, ANSWER, set()) == []
    assert "No sentence was checked." in as_text(old)


def test_the_text_says_it_to_a_person():
    told = explained(TRACE, ANSWER, {one.chunk_id for one in SOURCES})
    text = as_text(TRACE.model_copy(update={"explanation": told}))
    assert "1. Said, supported: “Send it in May.”" in text
    assert "3. Not said, contradicted: “It costs 9 euros.”" in text
    assert "- generate, 12.5 ms: model llm; sentences 3" in text
