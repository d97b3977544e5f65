import pytest

from services.generation.engines.definitions import defined_terms, names_what_is_defined


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("What is a coaching conversation?", {"coach", "convers"}),
        ("what are cookies", {"cooki"}),
        ("What does RRF stand for?", {"rrf"}),
        ("Define abstention.", {"abstent"}),
        ("What is the limit?", set()),
        ("What is my quota?", set()),
        ("What is Tock used for?", set()),
        ("What is there to do?", set()),
        ("How is a lease renewed?", set()),
        ("", set()),
    ],
)
def test_only_a_question_for_what_something_is_has_terms_to_define(question: str, terms: set[str]):
    assert defined_terms(question) == terms


def test_a_definition_names_its_subject_itself_at_least_in_part():
    lease = frozenset({"offic", "leas"})
    assert names_what_is_defined(lease, {"offic", "leas", "rent"}, set())
    assert names_what_is_defined(lease, {"leas", "rent"}, {"offic"})
    assert not names_what_is_defined(lease, {"leas", "rent"}, {"hous"})
    assert not names_what_is_defined(lease, {"rent"}, {"offic", "leas"})
    assert names_what_is_defined(frozenset(), {"rent"}, set())
