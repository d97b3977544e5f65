"""Counting word by word gives what the tokenizer itself counts, and is done only where it does."""

import json
from collections.abc import Callable
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from services.knowledge import tokens
from services.knowledge.tokens import TOKENIZER_FILE, TokenCounts

Make = Callable[..., TokenCounts]

VOCABULARY = ["[UNK]", "[PAD]", "[CLS]", "[MASK]", *"abcdefgh.,-!?中文éß", *(f"##{letter}" for letter in "abcdefgh")]
BERT = {
    "version": "1.0",
    "added_tokens": [
        {
            "id": VOCABULARY.index(name),
            "content": name,
            "single_word": False,
            "lstrip": name == "[MASK]",
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for name in ("[UNK]", "[CLS]", "[MASK]")
    ],
    "normalizer": {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    },
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "model": {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {name: number for number, name in enumerate(VOCABULARY)},
    },
}
# A space is part of the word after it: counted alone, words would have fewer.
SPACED = BERT | {"normalizer": None, "pre_tokenizer": {"type": "Split", "pattern": {"String": "\n"},
                 "behavior": "Isolated", "invert": False}}  # fmt: skip
WORDS = st.sampled_from(
    ["abc", "a-b", "[MASK]", "x[CLS]y", "中文", "é", "e\u0301", "\u0301", "a\u00a0b", "a\x0bb", "ß"]
)
PIECES = st.one_of(
    WORDS,
    st.sampled_from([" ", "\n", "\t", "  \r\n"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.sampled_from(["a" * 99, "ab" * 60]),
)


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    def made(tokenizer: dict[str, object] = BERT) -> TokenCounts:
        folder = tmp_path_factory.mktemp("model")
        (folder / TOKENIZER_FILE).write_text(json.dumps(tokenizer))
        return TokenCounts(folder)

    return made


def whole(texts: list[str], tokenizer: dict[str, object] = BERT) -> list[int]:
    read = Tokenizer.from_str(json.dumps(tokenizer)).encode_batch(texts, add_special_tokens=False)
    return [len(encoding.ids) for encoding in read]


@pytest.fixture(scope="module")
def count(make: Make) -> TokenCounts:
    return make()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(PIECES).map("".join), max_size=4))
def test_a_text_counts_as_the_tokenizer_counts_it(count: TokenCounts, texts: list[str]) -> None:
    assert count(texts) == whole(texts)
    assert count(texts) == whole(texts)  # remembered now


def test_a_tokenizer_to_which_spaces_belong_to_words_reads_texts_whole(make: Make) -> None:
    texts = ["a b c", "a\nb", " a"]
    assert make(SPACED)(texts) == whole(texts, SPACED)
    named_with_a_space = [{**token, "content": "a b"} for token in BERT["added_tokens"][:1]]  # type: ignore[index]
    spaced_name = BERT | {"added_tokens": named_with_a_space}
    assert make(spaced_name)(["a b"]) == whole(["a b"], spaced_name)


def test_what_is_remembered_is_bounded_and_several_threads_may_count(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_REMEMBERED_WORDS", 20)
    count = make()
    texts = [f"{one}{other} {other}a abc" for one in "abcdefgh" for other in "abcdefgh"]
    expected = whole(texts)
    wrong: list[str] = []

    def count_all() -> None:
        wrong.extend(
            text for text, tokens_of_it in zip(texts, expected, strict=True) if count([text]) != [tokens_of_it]
        )

    threads = [Thread(target=count_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert count(["abc" * 40]) == whole(["abc" * 40])
