import pytest

from libs.contracts.chat import ChatRequest
from services.chat.answer_cache.keeping import may_be_looked_for


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("What was spent in 2019-2020?", True),
        ("Who owns account 20192020?", False),
        ("Who owns 2019-2020-1234?", False),
        ("Whose number is 030 1234 5678?", False),
        ("Who is a@b.example?", False),
    ],
)
def test_a_range_of_years_is_no_number_of_a_person(message: str, kept: bool):
    assert may_be_looked_for(ChatRequest(message=message)) is kept
