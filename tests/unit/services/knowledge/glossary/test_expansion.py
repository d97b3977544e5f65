from hypothesis import given
from hypothesis import strategies as st

from libs.text.phrases import phrase_key, phrase_places
from services.knowledge.analysis import expandable
from services.knowledge.glossary.expansion import ExpandedTerm, expansions, said_otherwise


def test_each_text_says_every_term_in_one_of_its_ways():
    query = "PTO or GTC?"
    terms = [ExpandedTerm(0, 3, ("leave", "vacation")), ExpandedTerm(7, 10, ("travel card",))]
    assert said_otherwise(query, terms) == ("leave or travel card?", "vacation or travel card?")
    assert [(one.said, one.ways) for one in expansions(query, terms)] == [
        ("PTO", ["leave", "vacation"]),
        ("GTC", ["travel card"]),
    ]


def test_without_terms_nothing_is_said_otherwise():
    assert said_otherwise("PTO?", ()) == ()


def test_what_is_quoted_or_a_code_is_never_expanded():
    query = 'PTO in "the PTO form", PTO-404, https://x.example/PTO, PTO_max and me@PTO.example, or PTO'
    found = [place.start for place in phrase_places(expandable(query), 100) if phrase_key("PTO") in place.keys]
    assert found == [0, query.rindex("PTO")]


@given(st.text(max_size=300))
def test_blotting_out_moves_nothing(query: str):
    assert len(expandable(query)) == len(query)
