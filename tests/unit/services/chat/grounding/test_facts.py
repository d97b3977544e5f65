import pytest

from services.chat.grounding.facts import contradiction, facts_of, is_negated, lower_case_stems

NOWHERE: frozenset[str] = frozenset()


def against(sentence: str, passage: str, around: frozenset[str] = NOWHERE) -> str | None:
    return contradiction(facts_of(sentence, lower_case_stems(passage)), facts_of(passage), around)


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("Send receipts within 30 days.", "Receipts must be sent within thirty days."),
        ("It costs $1,000.", "The price is 1000 dollars."),
        ("The share is 5%.", "Five per cent, that is 5 percent, of it."),
        ("The 3rd release came.", "Release 3 came."),
        ("One of the reasons is cost.", "Cost is a reason."),
        ("Read README.md and https://a.example/x.", "See https://a.example/x and README.md."),
        ("HIV-positive people gain.", "People with HIV gain, positive or not."),
        ("Employees travel.", "All employees travel."),
        ("It holds 40 MB.", "Up to 40 megabytes are held."),
        ("It expires on 4 March 2024.", "Expiry: 2024-03-04."),
        ("It expires on 2024-03-04.", "It expires on March 4th, 2024."),
        ("It expires on 3/4/2024.", "It expires on 3/4/2024."),
        ("It expires on 4 March 2024.", "In 2024 it expires on 4 March."),
        ("It expires in 2024.", "It expires on 04.03.2024."),
        ("It runs to 5 March 2024.", "It runs from 3 to 5 March 2024."),
        ("It takes 25 days.", "It takes twenty-five days."),
        ("It holds 210 people.", "It holds two hundred and ten people."),
        ("Reply within one week.", "Reply within a week."),
        ("Reply within 1 week.", "Reply within one week."),
        ("One of the two weeks is paid.", "Of two weeks, one is paid."),
        ("Store at minus 5 degrees.", "Store at -5 °C."),
        ("Sales fell by 5 %.", "Change of sales: -5 %."),
        ("It takes 5 to 10 days.", "It takes 5-10 days."),
    ],
)
def test_the_same_facts_in_other_words_agree(sentence: str, passage: str):
    assert against(sentence, passage) is None


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("Send receipts within 40 days.", "Receipts must be sent within 30 days."),
        ("It costs $30.", "It costs 30 euros."),
        ("The permit expires on 2024-04-03.", "The permit expires on 2024-03-04."),
        ("The permit expires on 3 April 2024.", "The permit expires on 4 March 2024."),
        ("The permit expires on 3/4/2024.", "The permit expires on 4/3/2024."),
        ("The permit expires on 4 March 2025.", "The permit of 2025 expires on 4 March 2024."),
        ("You may carry over two weeks.", "You may carry over one week."),
        ("You may carry over one week.", "You may carry over two weeks."),
        ("You may carry over zero days.", "You may carry over 5 days."),
        ("Reply within thirty days.", "Reply within twenty-five days."),
        ("Store at -5 °C.", "Store at 5 °C."),
        ("Store at 5 °C.", "Store at −5 °C."),
        ("It takes 5 hours.", "It takes 5 days."),
        ("Version v1.2.4 is out.", "Version v1.2.3 is out."),
        ("The gene is B12.", "The gene is B13 on page 12."),
        ("Carol leads the team.", "Alice leads the team."),
        ("It was sold to Microsoft.", "It was sold to a competitor."),
        ("Write to a@evil.example.", "Write to us."),
        ("Prices fell.", "Prices rose."),
        ("The treatment is ineffective.", "The treatment is effective."),
        ("A visa is optional.", "A visa is required."),
        ("Pay before the trip.", "Pay after the trip."),
    ],
)
def test_other_facts_are_contradicted(sentence: str, passage: str):
    assert against(sentence, passage) is not None


def test_a_name_may_stand_in_the_title_instead():
    assert against("Acme was founded late.", "It was founded late.") is not None
    assert against("Acme was founded late.", "It was founded late.", frozenset({"acm"})) is None


@pytest.mark.parametrize("text", ["It isn't so.", "It isn’t so.", "No visa needed.", "Go without one.", "I cannot."])
def test_denials(text: str):
    assert is_negated(text)


@pytest.mark.parametrize("text", ["It is so.", "See No. 5.", "A note on knots.", "It is not without risk."])
def test_statements(text: str):
    assert not is_negated(text)
