"""The language of a text, told by its letters. The only file that knows py3langid, which has no types."""

# ruff: noqa: SIM905 - a word list is read and compared more easily as words

import importlib
import re
import threading
from functools import cache
from typing import Any

from libs.text.stopwords import OF_LANGUAGE
from libs.text.words import STOPWORDS

# What a question may be in: the fewer there are, the more a few words tell.
QUESTION_LANGUAGES = "ar cs da de en es fi fr hu it ja ko nl no pl pt ro ru sv tr uk zh".split()
# Of 1,868 English questions 97 % are told and none wrongly: docs/decisions/0029-conversation.md
QUESTION_CONFIDENCE = 0.8

NAMES = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hu": "Hungarian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "zh": "Chinese",
}

# Where the model is less sure, so many words without content must say the same as it.
LEAST_LITTLE_WORDS = 2
_LITTLE_WORDS = {"en": STOPWORDS, **OF_LANGUAGE}

_NOT_WORDS = re.compile(r"[\W\d_]+")
_SAMPLE_CHARACTERS = 2_000
_loading = threading.Lock()


def letters_of(text: str) -> str:
    """The text's words alone: numbers and signs are of no language."""
    return _NOT_WORDS.sub(" ", text).strip()


def likely_language(sample: str, least_confidence: float) -> str | None:
    """The ISO 639-1 code of the likeliest of all languages that the model knows; None below that confidence, 0 to 1.

    Loads its model (1 s, 105 MB) when first called.
    """
    code, confidence = _identifier(None).classify(sample)
    return str(code) if confidence >= least_confidence else None


def language_of_words(text: str) -> str | None:
    """The language of a question or an answer, one of QUESTION_LANGUAGES; None where its words are too few to tell.

    Takes 0.1 ms once the model is loaded.
    """
    sample = letters_of(text[:_SAMPLE_CHARACTERS])
    if not sample:
        return None
    code, confidence = _identifier(tuple(QUESTION_LANGUAGES)).classify(sample)
    return str(code) if confidence >= QUESTION_CONFIDENCE or code == _by_little_words(sample) else None


def _by_little_words(sample: str) -> str | None:
    """The language of most of the text's words without content: "combien de … y a-t-il" is French."""
    said = sample.casefold().split()
    counts = {code: sum(word in listed for word in said) for code, listed in _LITTLE_WORDS.items()}
    best = max(counts, key=lambda code: counts[code])
    alone = sum(count == counts[best] for count in counts.values()) == 1
    return best if alone and counts[best] >= LEAST_LITTLE_WORDS else None


def _identifier(languages: tuple[str, ...] | None) -> Any:
    with _loading:
        return _loaded(languages)


@cache
def _loaded(languages: tuple[str, ...] | None) -> Any:
    langid = importlib.import_module("py3langid.langid")
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    if languages:
        identifier.set_languages(list(languages))
    return identifier
