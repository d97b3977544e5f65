import pytest

from libs.text.unspaced import spaced


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("图书馆 opens", ["图", "书", "馆", "opens"]),
        ("東京のCafé2号店", ["東", "京", "の", "Café2", "号", "店"]),
        ("𠮷野家", ["𠮷", "野", "家"]),
        ("데이터 검색", ["데이터", "검색"]),
        ("Ends.", ["Ends."]),
    ],
)
def test_each_character_of_writing_without_spaces_is_a_word(text: str, words: list[str]) -> None:
    assert spaced(text).split() == words
