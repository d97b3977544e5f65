import pytest

from libs.text.stems import reading_in
from services.chat.names import unmentioned_names
from tests.unit.services.chat.test_prompt import passage

HIRING = passage(10).model_copy(
    update={"title": "Hiring", "content": "New hires join HR Links. The United Nations Café of Tromsø trains them."}
)


@pytest.mark.parametrize(
    ("question", "unmentioned"),
    [
        ("How do I add a new hire in Workday?", ["Workday"]),
        ("How much does an Oracle or SAP seat cost?", ["Oracle", "SAP"]),
        ("What does HR Links do?", []),
        ("Who trains people in Tromso?", []),
        ("Is there a Cafe?", []),
        ("What does the UN do for new hires?", []),
        ("Where is the Untied Nation's café?", []),
        ("Workday is what?", []),
        ("how do i add a new hire in workday?", []),
        ("How Do I Add A New Hire In Workday?", []),
        ("Wie stelle ich Bewerber in Oslo ein?", []),
        ("", []),
    ],
)
def test_a_name_that_no_passage_has_is_told(question: str, unmentioned: list[str]):
    assert unmentioned_names(question, [HIRING]) == unmentioned


def test_a_german_noun_is_no_name():
    with reading_in("de"):
        assert unmentioned_names("Was kostet eine Nacht im Hotel?", [HIRING]) == []


def test_titles_and_headings_mention_too():
    location = HIRING.location.model_copy(update={"heading_path": ["Workday basics"]})
    assert unmentioned_names("Where is Workday in Hiring?", [HIRING.model_copy(update={"location": location})]) == []


def test_without_passages_every_name_is_unmentioned():
    assert unmentioned_names("Where is Oslo?", []) == ["Oslo"]
