"""What an entailment model changes of the support that the rules find."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from libs.config.settings import EntailmentBounds
from libs.contracts.errors import unavailable
from libs.inference.entailment import Inference, entailment_labels, inference_of
from services.chat.grounding.entailment import Entailment
from services.chat.grounding.grounder import Checked, Grounder, checked_sentences
from services.chat.grounding.support import Verdict
from tests.unit.services.chat.grounding.samples import WordEmbedder, source

RULES = source(
    1,
    "Receipts are always checked within 30 days of the trip. Business class requires approval by a director.",
    title="Travel policy",
    heading="Costs",
)
AGAIN = source(2, "All receipts are always checked within 30 days of a trip.", title="Welcome")
ALWAYS = "All receipts of the trip are always checked within 30 days."
SOMETIMES = "All receipts of the trip are sometimes checked within 30 days."
CLASS = "A director's approval is required for business class."
BOUNDS = EntailmentBounds(least=0.5, most_contradiction=0.3, timeout_s=0.05)


class Says:
    """Judges by what the test wrote for a word of the hypothesis; everything else is entailed."""

    def __init__(self, **of: Inference) -> None:
        self.of = of
        self.calls: list[list[tuple[str, str]]] = []
        self.fails: Exception | None = None
        self.silent = False

    async def infer(self, pairs: Sequence[tuple[str, str]]) -> list[Inference]:
        self.calls.append([*pairs])
        if self.silent:
            await asyncio.Event().wait()
        if self.fails:
            raise self.fails
        return [
            next((found for word, found in self.of.items() if word in hypothesis), Inference(0.9, 0.02))
            for _, hypothesis in pairs
        ]


class Pieces:
    """A text whose deltas are the test's."""

    def __init__(self, *deltas: str) -> None:
        self._deltas = deltas

    async def deltas(self) -> AsyncGenerator[str]:
        for delta in self._deltas:
            yield delta

    def chosen(self) -> bool:
        return True

    def cut_off(self) -> bool:
        return False


async def checked(
    model: Says | None, *deltas: str, bounds: EntailmentBounds = BOUNDS
) -> tuple[list[Checked], Grounder]:
    entailment = Entailment(model, bounds) if model else None
    grounder = Grounder("What is it?", [RULES, AGAIN], WordEmbedder(), 0.55, entailment=entailment)
    return [one async for one in checked_sentences(Pieces(*deltas), grounder)], grounder


async def test_a_sentence_needs_both_the_rules_and_the_model():
    [by_rules], _ = await checked(None, SOMETIMES)
    assert by_rules.support.cited
    assert [one.entailment for one in by_rules.support.cited] == [None] * len(by_rules.support.cited)
    model = Says(sometimes=Inference(0.1, 0.1))
    [refused], _ = await checked(model, SOMETIMES)
    assert refused.support.cited == ()
    assert refused.support.verdict is Verdict.UNSUPPORTED
    assert "0.10" in (refused.support.reason or "")
    [kept], grounder = await checked(model, ALWAYS)
    assert {one.entailment for one in kept.support.cited} == {0.9}
    assert not grounder.entailment_failed
    [never], _ = await checked(Says(), "All receipts of the trip are always checked within 90 days.")
    assert never.support.verdict is Verdict.CONTRADICTED


async def test_what_is_contradicted_is_never_supported_however_well_it_is_entailed():
    [refused], _ = await checked(Says(sometimes=Inference(0.6, 0.31)), SOMETIMES)
    assert refused.support.cited == ()
    assert refused.support.verdict is Verdict.CONTRADICTED
    [kept], _ = await checked(Says(sometimes=Inference(0.6, 0.3)), SOMETIMES)
    assert kept.support.cited


@pytest.mark.parametrize(("whole", "cited"), [(Inference(0.1, 0.1), True), (Inference(0.1, 0.9), False)])
async def test_parts_save_a_sentence_that_isnt_entailed_as_a_whole_but_none_that_is_contradicted(
    whole: Inference, cited: bool
):
    both = "Receipts are always checked within 30 days, and business class requires approval by a director."
    said = "All receipts are always checked within 30 days, and business class always requires approval by a director."

    class OfWholes(Says):
        async def infer(self, pairs: Sequence[tuple[str, str]]) -> list[Inference]:
            return [whole if hypothesis == said else Inference(0.9, 0.0) for _, hypothesis in pairs]

    grounder = Grounder(
        "What is it?", [source(1, both)], WordEmbedder(), 0.55, entailment=Entailment(OfWholes(), BOUNDS)
    )
    found = await grounder.check(said, chosen=True)
    assert found
    assert bool(found.support.cited) is cited


async def test_one_place_that_entails_is_enough():
    class ByPlace(Says):
        async def infer(self, pairs: Sequence[tuple[str, str]]) -> list[Inference]:
            return [Inference(0.9 if premise.startswith("Welcome") else 0.1, 0.0) for premise, _ in pairs]

    [kept], _ = await checked(ByPlace(), ALWAYS)
    assert [one.n for one in kept.support.cited] == [2]


async def test_the_model_reads_the_place_below_its_title_and_headings():
    model = Says()
    await checked(model, CLASS)
    assert model.calls == [
        [("Travel policy\nCosts\nBusiness class requires approval by a director.", CLASS)],
    ]


async def test_a_passages_own_words_are_never_asked_about():
    model = Says()
    [kept], _ = await checked(model, "Receipts are always checked within 30 days of the trip.")
    assert kept.support.cited
    assert model.calls == []


async def test_sentences_that_come_together_are_asked_about_in_one_call():
    verbatim = "Receipts are always checked within 30 days of the trip."
    model = Says(sometimes=Inference(0.1, 0.9))
    together, _ = await checked(model, f"{ALWAYS} {SOMETIMES} {CLASS} {verbatim} ", "The")
    assert len(model.calls) == 1
    assert {hypothesis for _, hypothesis in model.calls[0]} == {ALWAYS, SOMETIMES, CLASS}
    one_by_one = Says(sometimes=Inference(0.1, 0.9))
    apart, _ = await checked(one_by_one, f"{ALWAYS} ", f"{SOMETIMES} ", f"{CLASS} ", f"{verbatim} ", "The")
    assert len(one_by_one.calls) == 3
    assert [one.support for one in together] == [one.support for one in apart]


@pytest.mark.parametrize("how", ["away", "late", "strange"])
async def test_from_its_first_failure_on_the_rules_decide_alone(how: str):
    model = Says(sometimes=Inference(0.1, 0.9))
    model.silent = how == "late"
    model.fails = {"away": unavailable("embedding"), "strange": ValueError("no label")}.get(how)
    sentences, grounder = await checked(model, f"{SOMETIMES} ", f"{CLASS} ", ALWAYS)
    assert grounder.entailment_failed
    assert len(model.calls) == 1
    without, _ = await checked(None, f"{SOMETIMES} ", f"{CLASS} ", ALWAYS)
    assert [one.support for one in sentences] == [one.support for one in without]


async def test_what_was_judged_before_a_failure_stays_judged():
    model = Says(sometimes=Inference(0.1, 0.9))
    grounder = Grounder("What is it?", [RULES], WordEmbedder(), 0.55, entailment=Entailment(model, BOUNDS))
    first = await grounder.check(SOMETIMES)
    model.fails = unavailable("embedding")
    second = await grounder.check(CLASS)
    again = await grounder.twin().check(SOMETIMES)
    assert first
    assert second
    assert again
    assert (first.support.cited, again.support.cited) == ((), ())
    assert [one.entailment for one in second.support.cited] == [None]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["CONTRADICTION", "NEUTRAL", "ENTAILMENT"], ("ENTAILMENT", "CONTRADICTION")),
        (["entailment", "not_entailment"], ("entailment", None)),
    ],
)
def test_labels_are_found_by_name(labels: list[str], expected: tuple[str, str | None]):
    found = entailment_labels(labels)
    assert (found.entailment, found.contradiction) == expected


def test_scores_without_entailment_are_refused():
    with pytest.raises(ValueError, match="'LABEL_0', 'not_entailment'"):
        inference_of({"LABEL_0": 0.3, "not_entailment": 0.7})
