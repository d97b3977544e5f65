import pytest

from libs.text.small_talk import small_talk


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Thanks!", "en"),
        ("  ok, thank you very much :-) ", "en"),
        ("Hello there 👋", "en"),
        ("Hi! How are you?", "en"),
        ("Vielen Dank!", "de"),
        ("Alles klar, danke schön", "de"),
        ("Merci beaucoup", "fr"),
        ("D’accord, merci", "fr"),
        ("¡Muchas gracias!", "es"),
        ("Grazie mille", "it"),
        ("Dank je wel!", "nl"),
        ("Muito obrigada", "pt"),
    ],
)
def test_what_asks_nothing(text: str, language: str):
    assert small_talk(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "👍",
        "Thanks, and in Windows?",
        "Thanks giving",
        "Hello world",
        "Who are you?",
        "More please",
        "Great Britain",
        "ok " * 100,
    ],
)
def test_what_may_ask_something(text: str):
    assert small_talk(text) is None
