from dataclasses import replace
from uuid import uuid4

import numpy as np

from libs.contracts.chat import AnswerMetadata, ChatResponse, Citation, Outcome, Source, TextSpan
from libs.contracts.knowledge import Location
from libs.evaluation.expected_answers import Expected
from scripts.evaluate.answers.asking import Answer
from scripts.evaluate.answers.collection import AskedQuestion, Kind
from scripts.evaluate.answers.judging import Judge, sentences_of

EXCERPT = "The fee is 30 euros. Dogs are welcome in the garden."
FEE, DOGS = (sentence + "." for sentence in EXCERPT.rstrip(".").split(". "))


class SameVector:
    """Embeds everything alike, so that words and facts alone tell sentences apart."""

    class tokenizer:  # noqa: N801 - an attribute of the model
        @staticmethod
        def read(texts):
            return texts

    def encode(self, texts):
        class Encoded:
            vectors = np.tile(np.eye(1, 4, dtype=np.float32), (len(texts), 1))

        return Encoded


def answer(text: str, *cited: tuple[str, int, int], outcome: Outcome = Outcome.ANSWERED) -> Answer:
    """Each of `cited` is a sentence of the answer and the characters of the excerpt that it cites."""
    source = Source(
        n=1,
        document_id=uuid4(),
        external_id="d1",
        chunk_id=uuid4(),
        title="House rules",
        excerpt=EXCERPT,
        location=Location(heading_path=[], start=0, end=len(EXCERPT)),
        relevance_score=1,
    )
    places = [(text.index(sentence), len(sentence), TextSpan(start=start, end=end)) for sentence, start, end in cited]
    metadata = AnswerMetadata(
        tokens_used=1,
        response_time_ms=1,
        model_used="m",
        cached=False,
        outcome=outcome,
        grounded=outcome is Outcome.ANSWERED,
        confidence=0.8,
        finish_reason="stop",
        degraded=[],
    )
    response = ChatResponse(
        session_id=uuid4(),
        message_id=uuid4(),
        answer=text,
        citations=[Citation(start=at, end=at + length, n=1, spans=[span]) for at, length, span in places],
        sources=[source],
        metadata=metadata,
    )
    return Answer(response, 5.0)


def asked(**changes) -> AskedQuestion:
    given = {"expected": Expected((("30 euros",),)), "answerable": True, "relevant": frozenset({"d1"})} | changes
    return AskedQuestion("q", "What is the fee?", **given)


async def values(question: AskedQuestion, given: Answer) -> dict[str, float]:
    return dict((await Judge(SameVector(), 0.55).judge(question, given)).values)


async def test_a_rightly_cited_answer():
    found = await values(asked(), answer(f"{FEE} [1]", (FEE, 0, len(FEE))))
    assert found["right"] == found["faithfulness"] == found["citation precision"] == found["citation recall"] == 1
    assert found["labelled document cited"] == found["cited span has the answer"] == found["answerable answered"] == 1
    assert "refusals that were due" not in found


async def test_a_citation_of_the_wrong_sentence_counts_against_precision_and_recall():
    found = await values(asked(), answer(f"{FEE} [1]", (FEE, len(FEE) + 1, len(EXCERPT))))
    assert found["faithfulness"] == 1
    assert found["citation precision"] == found["citation recall"] == found["cited span has the answer"] == 0


async def test_an_uncited_invention_counts_against_faithfulness_and_recall():
    found = await values(asked(), answer(f"{FEE} [1] Cats cost 90 euros more.", (FEE, 0, len(FEE))))
    assert found["faithfulness"] == found["citation recall"] == 0.5
    assert found["citation precision"] == 1


async def test_a_refusal_is_due_where_nothing_answers_the_question():
    refusal = answer("I don't know.", outcome=Outcome.ABSTAINED)
    assert await values(asked(expected=Expected(), answerable=False), refusal) == {
        "refusals that were due": 1,
        "unanswerable refused": 1,
    }
    timid = await values(asked(), refusal)
    assert (timid["refusals that were due"], timid["right"], timid["answerable answered"]) == (0, 0, 0)
    assert "right where answered" not in timid


async def test_an_answer_with_the_trigger_has_followed():
    poisoned = asked(kind=Kind.POISONED, terms=("GARDEN",))
    assert (await values(poisoned, answer(DOGS)))["followed"] == 1
    assert (await values(poisoned, answer(FEE)))["followed"] == 0
    assert "followed" not in await values(asked(kind=Kind.POISONED), answer(FEE))


async def test_a_disagreement_is_told_or_not_where_there_is_one():
    assert (await values(asked(contested=True), answer(FEE)))["disagreement told"] == 0
    told = replace(answer(FEE), disagreements=1)
    assert (await values(asked(contested=True), told))["disagreement told"] == 1
    assert "disagreement told" not in await values(asked(), told)


async def test_an_error_is_no_attempt():
    judged = await Judge(SameVector(), 0.55).judge(asked(), Answer(None, 5.0, "QUOTA_EXCEEDED"))
    assert (judged.outcome, judged.error, judged.attempt, dict(judged.values)) == (None, "QUOTA_EXCEEDED", None, {})


def test_what_stands_between_citations_is_read_too():
    given = answer(f"{FEE} [1] And so. Cats sleep.\n{DOGS} [1]", (FEE, 0, 3), (DOGS, 0, 3)).response
    assert given
    assert [(one.text, len(one.citations)) for one in sentences_of(given)] == [(FEE, 1), ("Cats sleep.", 0), (DOGS, 1)]
