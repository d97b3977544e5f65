import pytest

from libs.text.stems import reading_in, stem


@pytest.mark.parametrize(
    ("one", "other"), [("lose", "lost"), ("write", "written"), ("requests", "request"), ("person", "people")]
)
def test_forms_of_one_word_have_one_stem(one: str, other: str):
    assert stem(one) == stem(other)


@pytest.mark.parametrize("word", ["left", "found", "v1", "3rd"])
def test_a_word_of_its_own_or_with_a_digit_stays(word: str):
    assert stem(word) == word


@pytest.mark.parametrize(
    "forms",
    [
        "einreichen einzureichen eingereicht eingereichte",
        "zurückzahlen zurückzuzahlen zurückgezahlt",
        "eintragen eingetragene eingetragenen",
        "zulassen zugelassen",
        "Angehörige Angehörigen",
    ],
)
def test_forms_of_one_german_word_have_one_stem(forms: str):
    with reading_in("de"):
        assert len({stem(form.lower()) for form in forms.split()}) == 1
