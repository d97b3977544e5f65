import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chat.grounding.cleaning import MARKER, addresses, clean, visible, without_made_up_addresses

KNOWN = addresses("See [form](https://hr.example/form), /docs/a.md and [page](/docs/a.md). Call https://b.example/x.")
PIECES = [
    "[",
    "]",
    "1",
    "[1]",
    "(",
    ")",
    "!",
    "[1](x)",
    "![a](http://e.example)",
    "<img src=x>",
    "\u200b",
    "【2】",
    "\ue000",
    " ",
    "a",
]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("It rains [1].", "It rains."),
        ("It rains.[1, 2] ", "It rains."),
        ("It rains【4†source】.", "It rains."),
        ("It rains [Source 2] today (passages 1 and 3).", "It rains today."),
        ("It rains [^3].", "It rains."),
        ("wrapped\n  line", "wrapped line"),
        ("\u202eevil\u202c zero\u200bwidth\ufeff", "evil zerowidth"),
        ("See [the form](https://hr.example/form).", "See [the form](https://hr.example/form)."),
        ("See [here](https://evil.example/?q=secret).", "See here."),
        ("See [this](/docs/a.md) or [that](/docs/b.md).", "See [this](/docs/a.md) or that."),
        ("![pixel](https://evil.example/p.png) Done.", "Done."),
        ("[![x](https://evil.example/p.png)](https://evil.example) Done.", "Done."),
        ("[click](javascript:alert(1)) now", "click now"),
        ("Look <img src='https://evil.example'> here", "Look here"),
        ("Go <https://evil.example/x> there", "Go there"),
        ("Run kubectl delete <pod-name>.", "Run kubectl delete <pod-name>."),
        ("As said [1](https://evil.example).", "As said ."),
        ("[![x](y)1]", ""),
    ],
)
def test_clean(raw: str, expected: str):
    assert clean(raw, KNOWN, "") == expected


def test_an_index_of_the_sources_stays_readable():
    assert clean("Use items[0] and other[1].", KNOWN, "For items[0] see below.") == "Use items[ 0 ] and other."


def test_what_people_see_stays():
    assert visible("Größe 世界 ☕\tx\n") == "Größe 世界 ☕\tx\n"


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join))
def test_nothing_that_looks_like_a_citation_gets_through(raw: str):
    cleaned = clean(raw, frozenset(), raw)
    assert not re.search(r"\[\d+\]", cleaned)
    assert not MARKER.search(clean(raw, frozenset(), ""))
    assert "http://e.example" not in cleaned
    assert clean(cleaned, frozenset(), "") == cleaned or "[ " in cleaned


def test_an_image_goes_even_where_a_source_holds_it():
    source = "See ![chart](https://example.com/chart.png?q=1) and [the site](https://example.com/)."
    assert clean(source, addresses(source), source) == "See and [the site](https://example.com/)."


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        ("See https://evil.example/?q=a, please.", "See please."),
        ("See https://b.example/x, please.", "See https://b.example/x, please."),
        ("Mail mailto:a@evil.example or visit www.evil.example now.", "Mail or visit now."),
    ],
)
def test_an_address_that_no_source_has_goes(raw: str, left: str):
    assert without_made_up_addresses(raw, KNOWN) == left
