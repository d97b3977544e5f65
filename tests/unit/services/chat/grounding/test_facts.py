import pytest

from libs.text.stems import reading_in
from services.chat.grounding.facts import contradiction, facts_of, is_negated, lower_case_stems
from services.chat.grounding.figures import figures

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
        ("It ran from 1990 to 1995.", "It ran 1990–1995."),
        ("It fell 29,000-24,000 years ago.", "It fell 29,000–24,000 years ago."),
        ("It holds 2 million users.", "It holds 2,000,000 users."),
        ("It holds 2000 users.", "It holds two thousand users."),
        ("It costs $5,000.", "It costs 5k dollars."),
        ("It costs 2.4 billion dollars.", "It costs $2.4bn."),
        ("It holds 2,500.", "It holds two thousand five hundred."),
        ("It sold between 5 million and 10 million units.", "It sold 5-10 million units."),
        ("It sold 5 to 10 million units.", "It sold between 5 and 10 million units."),
        ("It was five degrees below zero.", "It was -5 °C."),
        ("The winner is 25 years old.", "A twenty-five-year-old is the winner, years ahead of all old ones."),
        ("The 21st century began.", "The twenty-first century began."),
        ("It grew in the 1990s.", "In the 1990's it grew."),
        ("Ninety-nine percent agree.", "99 % agree."),
        ("1 in 5 people smoke.", "One in five people smoke."),
        ("It is the 2nd floor.", "It is the second floor."),
        ("In all versions, 1.2.3 is out.", "Release v1.2.3 of the versions is out."),
        ("It opens at 2:30 pm.", "It opens at 14:30."),
        ("Open 9:00 to 17:00.", "Open 9 to 17."),
        ("Open from 9 am to 5 pm.", "Open 9–5 pm."),
        ("Open from 2 pm to 4 pm.", "Open 14:00-16:00."),
        ("It closes on March 4 at 10 am.", "It closes 2024-03-04T10:00:00Z."),
        ("Support is open 24/7.", "Open 24 hours a day, 7 days a week, support helps."),
        ("Add 3/4 cup.", "Add ¾ cup."),
        ("It rains on 5 May and 6 May.", "It rains on May 5 and 6."),
        ("In all may 5 people attend.", "Up to 5 people may attend."),
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
        ("It holds 2 million users.", "It holds 2 users."),
        ("It holds two users.", "It holds two thousand users."),
        ("It grew in 1990.", "It grew in the 1990s."),
        ("It grew in the 1990s.", "It grew in 1990."),
        ("It is the second floor.", "It is the third floor."),
        ("The twenty-first century began.", "The twenty-second century began."),
        ("It opens at 2:30 pm.", "It opens at 2:30 am."),
        ("It opens at 14:30.", "It opens at 14:00, by bus 30."),
        ("It starts at 10:15:30.", "It starts at 10:15:00."),
        ("Mix them 1:3.", "Mix them 3:1."),
        ("Add 3/4 cup.", "Add 1/4 cup and 3 eggs."),
        ("Add ½ cup.", "Add ¼ cup."),
        ("A half of them left.", "A quarter of them left."),
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


@pytest.mark.parametrize(
    ("language", "sentence", "passage"),
    [
        ("de", "Es kostet 1.234,56 Euro.", "Der Preis ist 1234,56 Euro."),
        ("de", "Der Anteil ist 3,5 %.", "Der Anteil ist 3,50 %."),
        ("de", "Geöffnet ab 14:30 Uhr.", "Geöffnet ab 14.30 Uhr."),
        ("fr", "Il coûte 1 000 euros.", "Il coûte 1000 euros."),
    ],
)
def test_numbers_are_read_as_the_language_writes_them(language: str, sentence: str, passage: str):
    with reading_in(language):
        assert against(sentence, passage) is None


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("Der Preis ist 1 Euro.", "Der Preis ist 1.000 Euro."),
        ("Der Preis ist 1.234 Euro.", "Der Preis ist 1,234 Euro."),
        ("Der Anteil ist 5,3 %.", "Der Anteil ist 3,5 %."),
        ("Geöffnet ab 14:30 Uhr.", "Geöffnet ab 15.30 Uhr."),
    ],
)
def test_other_numbers_in_german_are_contradicted(sentence: str, passage: str):
    with reading_in("de"):
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


@pytest.mark.parametrize("repeated", ["a", "1,", "1.", "1, ", "5 to ", "1st, "])
def test_a_hostile_passage_costs_no_more_than_its_length(repeated: str):
    """In quadratic time this took twenty seconds a sentence, in which the process answered nobody."""
    text = repeated * (20_000 // len(repeated))

    assert not facts_of(text).names
    assert figures(text, frozenset()) == []
