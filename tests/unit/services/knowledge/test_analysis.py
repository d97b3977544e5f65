import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.knowledge.analysis import MOST_EXACT, MOST_PARTS, analyse, holds


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("travel policy", "keyword"),
        ("ERR-404", "keyword"),
        ("How many days of leave do I get?", "factual"),
        ("password rules for new staff members at headquarters", "factual"),
        ("What is the difference between a group and a role?", "complex"),
        ("Why are chunks small?", "complex"),
        ("Explain fusion", "complex"),
        ("hello world", "keyword"),
        ("hello there", "conversational"),
        ("Hello!", "conversational"),
        ("thanks, great", "conversational"),
        ("?!…", "conversational"),
        ("🙂", "conversational"),
    ],
)
def test_the_kind_of_a_query(query: str, kind: str):
    assert analyse(query).kind == kind


@pytest.mark.parametrize(
    ("query", "exact"),
    [
        ("What does ERR-404 mean?", ("ERR-404",)),
        ("is CVE-2024-1234 fixed in v1.2.3?", ("CVE-2024-1234", "v1.2.3")),
        ("set max_tokens on 10.0.0.1", ("max_tokens", "10.0.0.1")),
        ('find "annual  leave" please', ("annual leave",)),
        ("was heißt „blaue Karte“?", ("blaue Karte",)),
        ("the 3rd of 24 e-mails in the 90s", ()),
        ("What is multi-factor sign-in?", ()),
        ('an empty "" and a "!!" quote', ()),
        ("see https://example.com/a1 or a@b1.com", ()),
    ],
)
def test_codes_and_quotes_must_match_exactly(query: str, exact: tuple[str, ...]):
    assert analyse(query).exact == exact


@pytest.mark.parametrize(
    ("query", "decisive"),
    [
        ("What does ERR-404 mean?", ("ERR-404",)),
        ('Where is "annual leave" explained?', ("annual leave",)),
        ("A deficiency of vitamin B12 was found to raise the blood levels of homocysteine in adults.", ()),
        ('Which of the twelve policies that we keep in HR-7 says "annual leave" in its own title?', ("annual leave",)),
    ],
)
def test_a_code_decides_in_a_short_query_and_a_quote_in_any(query: str, decisive: tuple[str, ...]):
    assert analyse(query).decisive == decisive


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("What is the difference between a lease and a licence?", ("a lease", "a licence")),
        ("Compare Qwen with SmolLM2", ("Qwen", "SmolLM2")),
        ("PostgreSQL vs MongoDB", ("PostgreSQL", "MongoDB")),
        ("Who approves travel? How long does it take?", ("Who approves travel", "How long does it take")),
        ("What is an index and when is it rebuilt?", ("What is an index", "when is it rebuilt")),
        ("terms and conditions of the trade and sale", ()),
        ("How do I upload a file?", ()),
        ("Really? Why?", ()),
    ],
)
def test_a_query_of_several_parts_is_taken_apart(query: str, parts: tuple[str, ...]):
    assert analyse(query).parts == parts


def test_the_newest_version_may_be_meant():
    assert analyse("What is the current price?").asks_for_newest
    assert not analyse("What was the price in 2019?").asks_for_newest


@pytest.mark.parametrize(
    ("text", "exact", "held"),
    [
        ("Answered with err-404.", "ERR-404", True),
        ("Answered with ERR-4041.", "ERR-404", False),
        ("XERR-404", "ERR-404", False),
        ("annual\n leave", "annual leave", True),
        ("a (b) c", "(b)", True),
        ("市立图书馆每天开门。", "图书馆", True),
        ("市立図書館は休みです。", "図書館 は", False),
        ("エラーERR-404が出た", "ERR-404", True),
        ("エラーERR-4041が出た", "ERR-404", False),
    ],
)
def test_an_exact_match_is_of_whole_words(text: str, exact: str, held: bool):
    assert holds(text, exact) is held


@given(st.text(max_size=300))
def test_any_text_is_analysed(query: str):
    found = analyse(query)
    assert len(found.parts) <= MOST_PARTS
    assert len(found.exact) <= MOST_EXACT
    for exact in found.exact:
        holds(query, exact)
