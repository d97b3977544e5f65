"""The language of a document."""

from libs.contracts.values import LANGUAGES
from libs.text.language import letters_of, likely_language

_SAMPLE_CHARACTERS = 2_000
_LEAST_LETTERS = 20
_LEAST_CONFIDENCE = 0.8
# A shorter text counts twice: without, one title in ten isn't told.
_SHORT_CHARACTERS = 1_000


def language_of(text: str) -> str | None:
    """Returns the ISO 639-1 code of the language that most of the text is in; None where too little of it tells."""
    # The start of a document is often a title page or a list; the middle is like the rest.
    middle = len(text) // 2 - _SAMPLE_CHARACTERS // 2
    middle = max(middle, 0 if len(text) < _SHORT_CHARACTERS else _SAMPLE_CHARACTERS)
    sample = " ".join(letters_of(part) for part in (text[:_SAMPLE_CHARACTERS], text[middle:][:_SAMPLE_CHARACTERS]))
    if len(sample.replace(" ", "")) < _LEAST_LETTERS:
        return None
    code = likely_language(sample, _LEAST_CONFIDENCE)
    return code if code in LANGUAGES else None
