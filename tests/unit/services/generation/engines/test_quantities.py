import pytest

from services.generation.engines.quantities import asks_for_quantity, tells_quantity


@pytest.mark.parametrize(
    "question",
    [
        "How many days do I get?",
        "What is the purchase card limit for meals?",
        "When does the office open?",
        "In what year was it built?",
        "how often are backups made",
        "Until when is it open?",
        "Tell me when the office opens",
    ],
)
def test_it_asks_for_a_quantity(question: str):
    assert asks_for_quantity(question)


@pytest.mark.parametrize(
    "question",
    [
        *("What is a limit order?", "How does it work?", "How much does it matter?", ""),
        *("What do I do when I lose my card?", "Whom do I call when my badge is lost?"),
    ],
)
def test_it_asks_for_something_else(question: str):
    assert not asks_for_quantity(question)


@pytest.mark.parametrize(
    ("question", "sentence", "told"),
    [
        ("How many days do I get?", "You get twelve of them.", True),
        ("How many days do I get?", "Ask your manager after lunch.", False),
        ("When does it open?", "It opens when the first guard arrives.", True),
        ("What is the limit?", "It depends when the holder pays.", False),
        ("How often is it cleaned?", "It is cleaned weekly.", True),
    ],
)
def test_a_quantity_is_told_by_a_number_a_span_or_for_a_time_by_an_event(question: str, sentence: str, told: bool):
    assert tells_quantity(question, sentence) is told
