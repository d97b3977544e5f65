from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from libs.text.language import language_of_words
from services.chat.safety.personal.finding import Kind
from services.chat.texts import texts

LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pt"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_in_its_language(language: str):
    said = texts(language)
    assert said.language == language
    assert language_of_words(" ".join(value for value in asdict(said).values() if isinstance(value, str))) == language
    assert set(said.kinds) == set(Kind)
    assert len(said.months.split()) == 12


def test_another_language_gets_the_english_ones():
    assert texts("pl") is texts(None) is texts("en")


@pytest.mark.parametrize(
    ("language", "day"),
    [("en", "2 May 2021"), ("de", "2. Mai 2021"), ("fr", "2 mai 2021"), ("es", "2 de mayo de 2021")],
)
def test_an_older_source_is_told_with_its_day(language: str, day: str):
    assert f" {day}" in texts(language).older_of(datetime(2021, 5, 2, tzinfo=UTC))
