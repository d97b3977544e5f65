from collections.abc import AsyncGenerator

import pytest

from services.chat.answerability.judge import NO_ANSWER, Answerability, weights
from services.chat.answerability.signals import Asked, Passage, Said
from services.chat.grounding.grounder import Checked
from services.chat.grounding.support import Cited, Support
from services.chat.ports import Embedder
from tests.unit.services.chat.grounding.samples import AbsentEmbedder, WordEmbedder, source

QUESTION = "When did the Paris office open?"
SOURCES = [
    source(1, "The Paris office opened in 1999. Alice Moreau manages it. Lunch is served at noon.", "Offices"),
    source(2, "Receipts must be sent within 30 days.", "Travel"),
]
ANSWER, BESIDE = "The Paris office opened in 1999.", "Lunch is served at noon."


def answerability(least: float, question: str = QUESTION, embedder: Embedder | None = None) -> Answerability:
    return Answerability(question, SOURCES, embedder or WordEmbedder(), least)


async def checked(*texts: str) -> AsyncGenerator[Checked]:
    for text in texts:
        supported = any(text in one.excerpt for one in SOURCES)
        yield Checked(text, Support(1.0, (Cited(1, ()),)) if supported else Support(0.0, reason="unknown"), " ")


async def kept(gate: Answerability, *texts: str) -> list[str]:
    return [one.text async for one in gate.passed(checked(*texts)) if one.support.cited]


async def probability(question: str, text: str = ANSWER) -> float:
    return await answerability(0, question).probability(await anext(checked(text)))


async def test_a_sentence_that_answers_is_likelier_than_one_that_only_stands_there():
    assert await probability(QUESTION) > 0.5 > await probability(QUESTION, BESIDE)


@pytest.mark.parametrize(
    "question",
    [
        "When did the Lisbon embassy open?",
        "Why did the Paris office of the competitor close in 1989?",
        "When did the largest Paris hospital open?",
    ],
)
async def test_what_looks_answerable_is_less_likely_than_what_is(question: str):
    assert await probability(question) < await probability(QUESTION)


async def test_what_comes_before_the_answer_waits_for_it():
    assert await kept(answerability(0.5), BESIDE, ANSWER, BESIDE) == [BESIDE, ANSWER, BESIDE]


async def test_where_nothing_answers_all_is_cut_and_says_why():
    gate = answerability(0.5)
    found = [one async for one in gate.passed(checked(BESIDE, "Unknown."))]
    assert [(one.text, one.support.cited, one.support.reason) for one in found] == [
        (BESIDE, (), NO_ANSWER),
        ("Unknown.", (), "unknown"),
    ]
    assert 0 < gate.confidence < 0.5


async def test_the_next_answer_starts_anew():
    gate = answerability(0.5)
    assert await kept(gate, ANSWER) == [ANSWER]
    assert await kept(gate, BESIDE) == []
    assert gate.confidence < 0.5


async def test_without_caution_everything_supported_passes():
    assert await kept(answerability(0), BESIDE) == [BESIDE]


async def test_without_vectors_words_decide():
    gate = answerability(0.4, embedder=AbsentEmbedder())
    assert await kept(gate, ANSWER) == [ANSWER]
    assert await kept(gate, BESIDE) == []


@pytest.mark.parametrize("kind", ["with_vectors", "words_alone"])
def test_every_weight_is_of_a_signal(kind: str):
    signals = Asked(QUESTION, [Passage("Offices", ANSWER)]).signals(Said(ANSWER, 0, 0.5))
    assert set(weights(kind).of) <= set(signals)
