import pytest

from libs.text.language import language_of_words
from libs.text.stems import reading_in, stem
from libs.text.words import content_stems


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wie viele Urlaubstage habe ich im Jahr?", "de"),
        ("Combien de jours de congé ai-je par an ?", "fr"),
        ("¿Cuántos días de vacaciones tengo al año?", "es"),
        ("Quanti giorni di ferie ho all'anno?", "it"),
        ("Quantos dias de férias tenho por ano?", "pt"),
        ("Hoeveel vakantiedagen heb ik per jaar?", "nl"),
        ("How many days of leave do I have?", "en"),
        ("Combien de places de parking y a-t-il ?", "fr"),
        ("Wie lange?", "de"),
        ("私の年次休暇は何日ですか？", "ja"),
    ],
)
def test_a_question_tells_its_language(text: str, language: str):
    assert language_of_words(text) == language


@pytest.mark.parametrize("text", ["", "42 %", "per diem rates", "Tell me about Rio de Janeiro.", "OK?"])
def test_a_few_words_tell_nothing_rather_than_something_wrong(text: str):
    assert language_of_words(text) is None


def test_words_are_compared_in_the_language_that_is_read():
    with reading_in("de"):
        assert content_stems("Wie viele Urlaubstage habe ich?") & content_stems("Der Urlaubstag ist frei.")
        assert stem("kündigungen") == stem("kündigung")
        assert not content_stems("die und der")
    assert content_stems("the die was cast") == {"die", "cast"}


def test_another_language_is_read_as_english():
    with reading_in("ja"):
        assert content_stems("the days") == {"day"}
