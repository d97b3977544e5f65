import pytest

from services.chat.grounding.facts import facts_of
from services.chat.grounding.swapped import swapped

PRICES = "Basic costs 10 euros and pro costs 25 euros."


def of(sentence: str, passage: str) -> str | None:
    return swapped(sentence, facts_of(sentence).numbers, passage, facts_of(passage).numbers)


@pytest.mark.parametrize(
    "sentence",
    [
        "Basic costs 25 euros and pro costs 10 euros.",
        "Pro is 10 euros, basic is 25 euros.",
        "Basic is twenty-five euros; pro is ten euros.",
    ],
)
def test_figures_that_change_places_are_told(sentence: str):
    assert of(sentence, PRICES) is not None


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("Pro costs 25 euros and basic costs 10 euros.", PRICES),
        ("The price is 25 euros for pro and 10 euros for basic.", PRICES),
        ("It is 10 euros or 25 euros.", PRICES),
        ("Between 10 and 25 euros.", PRICES),
        ("You pay 10 euros for basic.", PRICES),
        ("Rest 10 minutes after 25 minutes.", "After 25 minutes of work rest 10 minutes."),
    ],
)
def test_the_same_in_another_order_is_the_same(sentence: str, passage: str):
    assert of(sentence, passage) is None
