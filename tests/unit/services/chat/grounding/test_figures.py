import pytest

from libs.text.stems import reading_in
from services.chat.grounding.figures import DATE, Figure, dates, figures


def said(text, *things):
    """By number: what it is of, what for each, and what it bounds."""
    return {one.number: (one.of, set(one.per), one.bound) for one in figures(text, frozenset(things))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Guards work 36 hours per week.", {"36": ("hour", {"week"}, "")}),
        ("Guards work 36 hours a week and rest.", {"36": ("hour", {"week"}, "")}),
        ("They earn 6 hours per pay period.", {"6": ("hour", {"pay"}, "")}),
        ("The fee is €40 yearly.", {"40": ("euro", {"year"}, "")}),
        ("The annual fee is €40.", {"40": ("euro", {"year"}, "")}),
        ("A tent has 3 rooms.", {"3": ("room", set(), "")}),
        ("A tent has at least three rooms.", {"3": ("room", set(), "least")}),
        ("Send it within 1,500 days.", {"1500": ("day", set(), "most")}),
        ("It takes 3 to 5 days, or two or three weeks.", {}),
        ("There are 1.2.3 rooms.", {}),
    ],
)
def test_what_a_number_is_of(text, expected):
    assert said(text, "room") == expected


def test_the_words_beside_a_number_are_those_of_its_clause():
    leave, salary = figures("Leave is 160 hours, and a salary is for 2087 hours.", frozenset())
    assert (leave.number, leave.beside) == ("160", {"leav"})
    assert (salary.number, salary.beside) == ("2087", {"salari"})


def test_a_year_that_names_something_is_no_date():
    assert [(one.number, one.of) for one in dates("The 1992 treaty was signed in 1991.")] == [("1991", DATE)]


@pytest.mark.parametrize(
    ("language", "text", "years"),
    [
        ("fr", "Le traité de 1992 a été signé en 1991.", ["1991"]),
        ("es", "Se fundó el 3 de mayo de 1954.", ["1954"]),
        ("de", "Das Gesetz von 1992 gilt seit 1993.", ["1993"]),
    ],
)
def test_nor_is_one_in_other_languages(language, text, years):
    with reading_in(language):
        assert [one.number for one in dates(text)] == years


@pytest.mark.parametrize(
    ("one", "other", "allowed"),
    [
        (("12", "least"), ("16", ""), True),
        (("12", "least"), ("9", ""), False),
        (("12", "most"), ("9", ""), True),
        (("12", "least"), ("20", "most"), True),
        (("20", "least"), ("12", "most"), False),
        (("12", "least"), ("16", "least"), False),
        (("12", ""), ("12", ""), True),
    ],
)
def test_a_bound_allows_what_lies_within(one, other, allowed):
    figure, another = (Figure(number, "room", frozenset(), frozenset(), bound) for number, bound in (one, other))
    assert figure.allows(another) is allowed
    assert another.allows(figure) is allowed


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "Wachen arbeiten sechsunddreißig Stunden pro Woche.", {"36": ("hour", {"week"}, "")}),
        ("de", "Der jährliche Beitrag ist 1.000 Euro.", {"1000": ("euro", {"year"}, "")}),
        ("de", "Die Frist ist mindestens drei Monate.", {"3": ("month", set(), "least")}),
        ("de", "Es dauert zwischen drei und fünf Tagen oder zwei bis drei Wochen.", {}),
        ("fr", "Il a au plus vingt jours par an.", {"20": ("day", {"year"}, "most")}),
        ("fr", "La cotisation mensuelle est de 10 euros.", {"10": ("euro", {"month"}, "")}),
        ("es", "Tiene al menos veinte días al año.", {"20": ("day", {"year"}, "least")}),
        ("it", "Ha almeno venti giorni all'anno.", {"20": ("day", {"year"}, "least")}),
        ("nl", "Het duurt hoogstens twintig dagen per jaar.", {"20": ("day", {"year"}, "most")}),
        ("pt", "Tem pelo menos vinte dias por ano.", {"20": ("day", {"year"}, "least")}),
        ("pt", "Tem entre vinte e trinta dias.", {}),
        ("de", "Es dauert rund 20 Tage.", {}),
        ("fr", "Cela dure une vingtaine de jours.", {}),
        ("fr", "Le délai est d'une semaine.", {"1": ("week", set(), "")}),
        ("de", "Es dauert einen Monat.", {"1": ("month", set(), "")}),
        ("de", "Die Gebühr ist 1'250 Franken.", {"1250": ("franc", set(), "")}),
    ],
)
def test_other_languages_say_it_in_their_own_words(language, text, expected):
    with reading_in(language):
        assert said(text) == expected
