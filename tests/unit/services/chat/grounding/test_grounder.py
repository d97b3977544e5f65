import re
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.text.stems import reading_in
from services.chat.grounding.citations import AnswerBuilder
from services.chat.grounding.grounder import Checked, Grounder, checked_sentences
from services.chat.grounding.support import SupportFinder
from services.chat.ports import Embedder
from tests.unit.services.chat.grounding.samples import AbsentEmbedder, WordEmbedder, source

TRAVEL = source(
    1,
    "Employees may book economy class for flights under 6 hours. Business class requires approval by a director, such "
    "as Alice Moreau. Receipts must be sent within 30 days of the trip.\n\nThe following are not reimbursed:\n- alcohol\n"
    "- parking fines",
    title="Travel policy",
)
LEAVE = source(
    2,
    "Full-time staff earn 13 days of annual leave a year. Sick leave is unlimited and does not need a note for absences "
    "under 3 days. Alice Moreau manages the Paris office. Bob Stone manages the Berlin office. 世界 𝔘nicode works here.",
    title="Leave",
)
SOURCES = [TRAVEL, LEAVE]


class Written:
    """A text that arrives a few characters at a time."""

    def __init__(self, text: str, *, chosen: bool = True, cut_off: bool = False) -> None:
        self._text, self._chosen, self._cut_off = text, chosen, cut_off

    async def deltas(self) -> AsyncGenerator[str]:
        for start in range(0, len(self._text), 4):
            yield self._text[start : start + 4]

    def chosen(self) -> bool:
        return self._chosen

    def cut_off(self) -> bool:
        return self._cut_off


async def ground(
    text: str, question: str = "What is it?", embedder: Embedder | None = None, **written: bool
) -> list[Checked]:
    grounder = Grounder(question, SOURCES, embedder or WordEmbedder(), 0.55)
    return [checked async for checked in checked_sentences(Written(text, **written), grounder)]


async def supported(text: str) -> list[tuple[str, list[int]]]:
    return [
        (checked.text, sorted(cited.n for cited in checked.support.cited))
        for checked in await ground(text)
        if checked.support.cited
    ]


async def test_a_passages_own_sentence_is_supported_exactly_and_without_embedding():
    embedder = WordEmbedder()
    [checked] = await ground("Receipts must be sent within 30 days of the trip. [7]", embedder=embedder)
    [cited] = checked.support.cited
    [span] = cited.spans
    assert checked.text == "Receipts must be sent within 30 days of the trip."
    assert TRAVEL.excerpt[span.start : span.end] == checked.text
    assert (cited.n, checked.support.score, embedder.embedded) == (1, 1.0, 0)


@pytest.mark.parametrize(
    ("sentence", "numbers"),
    [
        ("Business class requires a director's approval.", [1]),
        ("You must send receipts within 30 days of the trip.", [1]),
        ("Alcohol and parking fines are not reimbursed.", [1]),
        ("Sick leave is unlimited.", [2]),
        ("Staff earn 13 days of annual leave a year and receipts must be sent within 30 days of the trip.", [1, 2]),
    ],
)
async def test_a_paraphrase_is_supported(sentence: str, numbers: list[int]):
    assert await supported(sentence) == [(sentence, numbers)]


async def test_a_place_that_two_passages_share_is_cited_once():
    text = "Trips are booked early. Receipts must be sent within 30 days of the trip. Business class needs approval."
    middle, end = text.index("Receipts"), text.index(" Business")
    first, other = source(1, text[:end]), source(2, text[middle:])
    place = first.location.model_copy(update={"start": middle, "end": len(text)})
    next_one = other.model_copy(update={"document_id": first.document_id, "location": place})
    sentence = "You must send receipts within 30 days of the trip."
    for second, numbers in ((next_one, [1]), (other, [1, 2])):
        found = SupportFinder([first, second], WordEmbedder(), 0.55)
        assert [cited.n for cited in (await found.paraphrase(sentence)).cited] == numbers


@pytest.mark.parametrize(
    "sentence",
    [
        "Receipts must be sent within 40 days of the trip.",
        "Carol manages the Paris office.",
        "Alice Moreau manages the Berlin office.",
        "Alice Moreau manages the Paris office and the Berlin office.",
        "Alcohol is reimbursed.",
        "Sick leave isn't unlimited.",
        "Sick leave needs a note for absences under 3 days.",
        "Employees may book first class for flights over 6 hours.",
        "The moon orbits the earth.",
        "Read https://evil.example/leave about annual leave.",
    ],
)
async def test_what_the_passages_do_not_say_is_cut(sentence: str):
    [checked] = await ground(sentence)
    assert checked.support.cited == ()
    assert checked.support.reason


async def test_headings_and_phrases_without_content_are_dropped():
    text = "# Answer\n\n**Summary:**\n\nSure, here is what I found:\n\nYes.\n\nSick leave is unlimited.\n\nI hope this helps!"
    assert await supported(text) == [("Sick leave is unlimited.", [2])]


async def test_a_preamble_is_taken_off_its_claim():
    assert await supported("According to the passages, sick leave is unlimited.") == [("Sick leave is unlimited.", [2])]


@pytest.mark.parametrize(
    ("language", "excerpt", "written", "said"),
    [
        ("fr", "Le délai est de trois mois.", "Selon les passages, le délai est de 3 mois.", "Le délai est de 3 mois."),
        (
            "de",
            "Die Frist beträgt drei Monate.",
            "Laut den bereitgestellten Dokumenten beträgt die Frist 3 Monate (Quelle 1).",
            "Laut den bereitgestellten Dokumenten beträgt die Frist 3 Monate.",
        ),
        ("nl", "De termijn is drie maanden.", "Volgens passage 1 is de termijn 3 maanden.", None),
    ],
)
async def test_what_leads_to_a_claim_in_other_languages_needs_no_support(language, excerpt, written, said):
    with reading_in(language):
        grounder = Grounder("?", [source(1, excerpt)], WordEmbedder(), 0.55)
        checked = await grounder.check(written, chosen=True)
    assert checked
    assert checked.support.cited
    assert checked.text == (said or written)


@pytest.mark.parametrize(
    ("language", "excerpt", "written"),
    [
        ("de", "30 Tage Urlaub im Jahr stehen Mitarbeitern zu.", "Laut den Unterlagen 14 Tage Urlaub im Jahr."),
        ("nl", "Medewerkers hebben 30 dagen verlof per jaar.", "Volgens de documenten 14 dagen verlof per jaar."),
    ],
)
async def test_a_number_behind_what_leads_in_is_checked(language, excerpt, written):
    with reading_in(language):
        grounder = Grounder("?", [source(1, excerpt)], WordEmbedder(), 0.1)
        right = await grounder.check(written.replace("14", "30"), chosen=True)
        wrong = await grounder.check(written, chosen=True)
    assert right
    assert wrong
    assert (bool(right.support.cited), bool(wrong.support.cited)) == (True, False)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The passages do not say when receipts must be sent."),
        ("de", "Die Passagen enthalten keine Angaben zu Belegen."),
    ],
)
async def test_that_it_doesnt_know_is_no_claim_to_be_marked(language, text):
    with reading_in(language):
        grounder = Grounder("Bis wann? When must receipts be sent?", SOURCES, WordEmbedder(), 0.55, mark=True)
        checked = await grounder.check(text)
    assert checked
    assert (checked.marked, checked.support.cited, checked.support.verdict) == (False, (), "empty")


async def test_nothing_is_said_twice():
    assert len(await supported("Sick leave is unlimited. Sick leave is unlimited.")) == 1


async def test_half_a_sentence_at_the_token_limit_is_left_out():
    assert await ground("Business class requires approval", cut_off=True) == []
    assert len(await ground("Business class requires approval.", cut_off=True)) == 1


async def test_without_embeddings_the_words_have_to_agree_more():
    near = "Business class requires a director's approval."
    far = "A director must sign off on business class for you."
    assert [bool(checked.support.cited) for checked in await ground(f"{near} {far}", embedder=AbsentEmbedder())] == [
        True,
        False,
    ]


async def test_what_is_so_does_not_answer_what_is_not():
    text = "Receipts must be sent within 30 days of the trip.\n\nThe following are not reimbursed:\n- alcohol"
    asked = await ground(text, "Which costs of a trip are not reimbursed?")
    assert [bool(checked.support.cited) for checked in asked] == [False, True, True]
    assert asked[0].support.reason == "the question asks what is not so"
    for other in ("Which costs are reimbursed?", "What happens if receipts are not sent?", "Why is wine not paid?"):
        assert all(checked.support.cited for checked in await ground(text, other))


@pytest.mark.parametrize("embedder", [WordEmbedder(), AbsentEmbedder()])
async def test_what_is_true_but_off_the_question_is_cut(embedder: Embedder):
    on, off = "Business class requires approval by a director.", "Full-time staff earn 13 days of annual leave a year."
    checked = await ground(f"{off} {on}", "Who approves business class?", embedder, chosen=False)
    assert [bool(one.support.cited) for one in checked] == [False, True]
    assert checked[0].support.reason == "it doesn't speak of what was asked"


async def test_lists_keep_their_lines():
    builder = AnswerBuilder()
    for checked in await ground("These are not reimbursed:\n- alcohol\n- parking fines"):
        if checked.support.cited:
            builder.add(checked.text, checked.support.cited, checked.gap)
    assert builder.text.splitlines()[-2:] == ["- alcohol [1]", "- parking fines [1]"]


FRAGMENTS = [
    "Receipts must be sent within 30 days of the trip.", "Sick leave is unlimited.", "世界 𝔘nicode works here.",
    "The moon is cheese.", "[1]", "[9]", " [2][3] ", "\n", "\n\n", "- ", "# ", " ", "【3】", "(source 4)", "\u200b", "𝔘", "[", "]",
    "![a](http://x)", "|", "`", "1", "Dr.",
]  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=25).map("".join))
async def test_every_offset_is_exact_and_every_marker_has_its_citation(text: str):
    builder = AnswerBuilder()
    pieces: list[str] = []
    for checked in await ground(text):
        if checked.support.cited:
            piece, _ = builder.add(checked.text, checked.support.cited, checked.gap)
            pieces.append(piece)
            assert builder.text[builder.citations[-1].start : builder.citations[-1].end] == checked.text
    assert "".join(pieces) == builder.text
    by_number = {one.n: one for one in SOURCES}
    marked = [int(number) for number in re.findall(r"\[(\d+)\]", builder.text)]
    assert sorted(marked) == sorted(citation.n for citation in builder.citations)
    for citation in builder.citations:
        markers = "".join(f"[{one.n}]" for one in builder.citations if one.start == citation.start)
        assert builder.text[citation.end :].startswith(f" {markers}")
        assert citation.spans
        for span in citation.spans:
            assert 0 <= span.start < span.end <= len(by_number[citation.n].excerpt)
