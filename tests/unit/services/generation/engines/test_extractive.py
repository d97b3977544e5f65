import hashlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from libs.text.sentences import split_sentences
from services.generation.engines.extractive import CONTEXT_TOKENS, MAX_EMBEDDED, MOST_CHARACTERS, ExtractiveEngine
from services.generation.engines.lexical import content_terms
from services.generation.engines.selection import MAX_SENTENCES
from services.generation.ports import (
    Document,
    Finished,
    GenerationRequest,
    Message,
    PromptTooLongError,
    Sampling,
    TextDelta,
)

LEAVE = Document(
    3,
    "Sick leave",
    "# Advanced sick leave\n\nYou can request up to 240 hours of advanced sick leave. It must be approved by your "
    "supervisor.\n\nHow do you apply?\n\nTo apply for advanced sick leave, hand in:\n\n- The request form\n"
    "- A medical certificate\n- Your timesheet\n\n| leave | hours |\n| annual leave | 160 |",
)
OFFICE = Document(
    8, "Office", "The office opens at 8 in the morning. Dogs are welcome on Fridays.\n\nIt has a canteen."
)


async def embed(texts: list[str]) -> NDArray[np.float32]:
    """Hashed bags of words: texts with the same words are near each other."""
    vectors = np.zeros((len(texts), 64), dtype=np.float32)
    for row, text in enumerate(texts):
        for term in content_terms(text):
            vectors[row, hashlib.sha256(term.encode()).digest()[0] % 64] += 1
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


async def no_embed(texts: list[str]) -> NDArray[np.float32]:
    raise ConnectionError("embedding is down")


def ask(question: str, *documents: Document, **sampling: object) -> GenerationRequest:
    earlier = (Message("system", "Cite."), Message("user", "Dogs?"), Message("assistant", "On Fridays. [8]"))
    return GenerationRequest((*earlier, Message("user", question)), Sampling(**sampling), documents)  # type: ignore[arg-type] - each test its own


async def answer(request: GenerationRequest, engine: ExtractiveEngine | None = None) -> tuple[str, Finished]:
    events = [event async for event in (engine or ExtractiveEngine(embed)).generate(request)]
    *deltas, finished = events
    assert isinstance(finished, Finished)
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)), finished


@pytest.mark.parametrize("engine", [ExtractiveEngine(embed), ExtractiveEngine(no_embed)], ids=["embedded", "words"])
async def test_the_sentence_that_answers_is_said_and_cited(engine: ExtractiveEngine):
    text, finished = await answer(ask("How many hours of advanced sick leave can I request?", OFFICE, LEAVE), engine)
    assert text == "You can request up to 240 hours of advanced sick leave. [3]"
    assert finished.finish_reason == "stop"
    assert finished.completion_tokens == 15
    assert finished.prompt_tokens > 60


async def test_a_sentence_that_points_back_brings_what_it_points_to():
    text, _ = await answer(ask("Must my supervisor have approved it?", LEAVE))
    assert text == (
        "You can request up to 240 hours of advanced sick leave. [3] It must be approved by your supervisor. [3]"
    )


async def test_a_line_that_introduces_a_list_brings_the_list():
    text, _ = await answer(ask("How do I apply for advanced sick leave, what do I hand in?", LEAVE, OFFICE))
    assert text == (
        "To apply for advanced sick leave, hand in: [3]\n"
        "- The request form [3]\n- A medical certificate [3]\n- Your timesheet [3]"
    )


async def test_an_item_brings_the_line_that_introduces_it():
    text, _ = await answer(ask("Is a medical certificate needed to apply for advanced sick leave?", LEAVE))
    assert text.startswith("To apply for advanced sick leave, hand in: [3]\n- ")
    assert "- A medical certificate [3]" in text


async def test_rows_of_a_table_answer_only_where_nothing_else_does():
    plans = Document(9, "Plans", "Choose well.\n\n| plan | messages a month |\n| --- | --- |\n| free | 100 messages |")
    text, _ = await answer(ask("How many messages does the free plan have?", plans))
    assert text == "| plan | messages a month | [9]\n| free | 100 messages | [9]"
    said = Document(4, "Plans", "The free plan has 100 messages.")
    assert (await answer(ask("How many messages does the free plan have?", plans, said)))[0] == f"{said.text} [4]"


async def test_a_row_far_below_its_tables_first_one_is_read_with_it():
    plans = Document(9, "Plans", "| free | 100 |\n| pro | 1,000 |", table_header="| plan | messages a month |")
    text, _ = await answer(ask("How many messages a month does the pro plan have?", plans))
    assert text.startswith("| plan | messages a month | [9]\n")
    assert "| pro | 1,000 | [9]" in text


async def test_a_tables_first_row_is_no_answer():
    hours = Document(2, "Tock", "| Work week | Billable time | Working hours expected |\n| five | most | some |")
    text, _ = await answer(ask("What are the working hours expected in a work week?", hours))
    assert text != "| Work week | Billable time | Working hours expected | [2]"


async def test_no_support_no_answer():
    for documents in ((LEAVE, OFFICE), ()):
        text, finished = await answer(ask("What is the capital of Mongolia?", *documents))
        assert (text, finished.finish_reason, finished.completion_tokens) == ("", "stop", 0)
    assert (await answer(ask(" ? ", LEAVE)))[0] == ""


async def test_the_same_fact_is_said_once_and_from_the_first_passage():
    copies = [Document(number, "Sick leave", LEAVE.text) for number in (5, 6)]
    text, _ = await answer(ask("How many hours of advanced sick leave can I request?", *copies))
    assert text == "You can request up to 240 hours of advanced sick leave. [5]"


async def test_a_budget_ends_the_answer_between_sentences():
    text, finished = await answer(ask("Must my supervisor have approved it?", LEAVE, max_tokens=15))
    assert text == "You can request up to 240 hours of advanced sick leave. [3]"
    assert finished.finish_reason == "length"


async def test_a_stop_string_ends_the_answer():
    text, finished = await answer(ask("How many hours of advanced sick leave can I request?", LEAVE, stop=("hours",)))
    assert text == "You can request up to 240 "
    assert finished.finish_reason == "stop"


async def test_no_more_is_embedded_than_allowed():
    seen: list[int] = []

    async def counting(texts: list[str]) -> NDArray[np.float32]:
        seen.append(len(texts))
        return await embed(texts)

    long = Document(1, "Leave", " ".join(f"Sick leave rule {number} applies." for number in range(500)))
    await answer(ask("Which sick leave rule applies?", long), ExtractiveEngine(counting))
    assert seen == [1 + MAX_EMBEDDED]


WORDS = st.sampled_from(
    ["leave", "sick", "hours", "Form 7", "e.g.", "Dr.", "v1.2", "[4]", "(see", "note)", "Ask", "no."]
)
BLOCKS = (
    st.lists(WORDS, min_size=1, max_size=8)
    .map(" ".join)
    .flatmap(
        lambda words: st.sampled_from(
            [f"{words}.", f"{words}", f"- {words}", f"1. {words}.", f"{words}:", f"# {words}", words]
        )
    )
)


@given(st.lists(st.lists(BLOCKS, max_size=6).map("\n".join) | st.text(max_size=80), min_size=1, max_size=3))
async def test_every_sentence_of_an_answer_is_in_its_passage_and_has_its_marker(texts: list[str]):
    documents = [Document(number, "", text) for number, text in enumerate(texts, start=1)]
    text, _ = await answer(ask("How many hours of sick leave are on Form 7?", *documents))
    sentences = [text[span.start : span.end] for span in split_sentences(text)]
    assert len(sentences) <= MAX_SENTENCES
    for sentence in sentences:
        found = re.fullmatch(r"(?:- )?(.*) \[(\d+)\]", sentence)
        assert found, (sentence, text)
        source = " ".join(re.sub(r"\s*\[\d{1,4}\]", "", texts[int(found[2]) - 1]).split())
        assert found[1] in source


async def test_a_question_in_the_documents_is_no_answer():
    faq = Document(1, "Reviews", "How often do performance reviews happen? How often are they read?")
    assert (await answer(ask("How often do performance reviews happen each year?", faq)))[0] == ""


async def test_what_something_is_only_a_sentence_that_names_it_can_tell():
    talk = Document(1, "Feedback", "Wrap up the conversation by recapping commitments. A conversation needs time.")
    assert (await answer(ask("What is a coaching conversation?", talk)))[0] == ""
    assert (await answer(ask("What is a conversation?", talk)))[0]


async def test_a_second_sentence_must_be_good_in_itself():
    card = Document(1, "PIV badge", "If the badge is lost, call the desk. Do not bend your badge. Keep your badge dry.")
    assert (await answer(ask("What should I do if I lose my PIV badge?", card)))[0].startswith("If the badge is lost")


async def test_a_passage_without_the_name_that_was_asked_about_supports_less():
    joining = Document(1, "Engineering", "To join the Engineering team from another agency, apply to it.")
    assert (await answer(ask("How do I join the Engineering team?", joining)))[0]
    assert (await answer(ask("How do I join the Zulip from another agency?", joining)))[0] == ""


@pytest.mark.parametrize("engine", [ExtractiveEngine(embed), ExtractiveEngine(no_embed)], ids=["embedded", "words"])
async def test_a_sentence_with_a_date_answers_when_before_one_that_only_repeats_the_question(engine: ExtractiveEngine):
    news = Document(1, "Ferry", "Read here when the ferry will leave. The ferry will leave on 3 April, we hear.")
    text, _ = await answer(
        GenerationRequest((Message("user", "When will the ferry leave?"),), documents=(news,), max_sentences=1),
        engine,
    )
    assert text == "The ferry will leave on 3 April, we hear. [1]"


@pytest.mark.parametrize(
    "text", ["It is so. " * CONTEXT_TOKENS, "x" * (MOST_CHARACTERS + 1)], ids=["words", "one word"]
)
async def test_more_than_can_be_read_in_a_moment_is_refused(text: str):
    with pytest.raises(PromptTooLongError) as refused:
        await answer(ask("When does the office open?", OFFICE, Document(9, "Long", text)))
    assert refused.value.limit == CONTEXT_TOKENS
    assert (refused.value.prompt_tokens or 0) > CONTEXT_TOKENS


async def test_of_a_question_without_end_the_beginning_is_answered():
    """Word by word it would be read for minutes."""
    text, _ = await answer(ask("When does the office open in the morning? " + "a " * 500_000, OFFICE))
    assert text.startswith("The office opens at 8 in the morning. [8]")
