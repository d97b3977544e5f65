from hypothesis import given
from hypothesis import strategies as st

from services.chat.memory.summary import PHRASES_CHARS, TOPIC_CHARS, Summary, folded, key_phrases
from services.chat.memory.turns import RECENT_MESSAGES, Turn, conversation_of


def test_it_keeps_the_topic_and_what_the_questions_were_about():
    summary = folded(Summary(), ["How long is parental leave?", "And for interns?", "Is it paid?"])
    assert summary.topic == "How long is parental leave?"
    assert summary.phrases == ("long", "parental leave", "interns", "paid")


def test_what_comes_again_is_the_latest():
    summary = folded(Summary(), ["What is sick leave?", "Who approves travel?", "Who pays sick leave?"])
    assert summary.phrases[-1] == "sick leave" or summary.phrases[-1] == "pays sick leave"
    assert folded(summary, ["Sick leave?"]).phrases.count("Sick leave") == 1


def test_phrases_end_where_words_carry_nothing():
    assert list(key_phrases("How do I install Footnote on Linux, please?")) == ["install Footnote", "Linux"]


@given(st.lists(st.text(max_size=3_000), max_size=30))
def test_it_is_bounded_whatever_is_asked(questions: list[str]):
    summary = folded(Summary(), questions)
    assert len(summary.topic) <= TOPIC_CHARS
    assert sum(len(phrase) + 2 for phrase in summary.phrases) <= PHRASES_CHARS


@given(st.lists(st.sampled_from(["Who pays travel?", "Why?", "And in Rome?", "What is sick leave?"]), max_size=12))
def test_folding_piece_by_piece_is_folding_at_once(questions: list[str]):
    half = len(questions) // 2
    assert folded(folded(Summary(), questions[:half]), questions[half:]) == folded(Summary(), questions)


def test_of_a_program_s_conversation_the_older_questions_are_summarised():
    turns = [Turn("user", f"Who signs form {number}?") for number in range(RECENT_MESSAGES + 3)]
    conversation = conversation_of(turns)
    assert [turn.content for turn in conversation.turns] == [turn.content for turn in turns[3:]]
    assert conversation.summary.topic == "Who signs form 2?"


def test_answers_never_enter_the_summary():
    turns = [Turn("user", "Who pays?"), Turn("assistant", "The secret treasurer pays.", "answered")] * 10
    assert "treasurer" not in str(conversation_of(turns).summary)
