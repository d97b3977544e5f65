"""The language of a text, told by its letters. The only file that knows py3langid, which has no types."""

import importlib
import re
import threading
from functools import cache
from typing import Any

from libs.contracts.values import LANGUAGES

_SAMPLE_CHARACTERS = 2_000
_LEAST_LETTERS = 20
_LEAST_CONFIDENCE = 0.8
_NOT_WORDS = re.compile(r"[\W\d_]+")
_loading = threading.Lock()


def language_of(text: str) -> str | None:
    """Returns the ISO 639-1 code of the language that most of the text is in; None where too little of it tells.

    Loads its model (1 s, 105 MB) when first called.
    """
    # The start of a document is often a title page or a list; the middle is like the rest.
    middle = max(0, len(text) // 2 - _SAMPLE_CHARACTERS // 2)
    sample = " ".join(
        _NOT_WORDS.sub(" ", part) for part in (text[:_SAMPLE_CHARACTERS], text[middle:][:_SAMPLE_CHARACTERS])
    )
    if len(sample.replace(" ", "")) < _LEAST_LETTERS:
        return None
    with _loading:
        identifier = _identifier()
    code: str = identifier.classify(sample)[0]
    return code if code in LANGUAGES else None


@cache
def _identifier() -> Any:
    langid = importlib.import_module("py3langid.langid")
    return langid.LanguageIdentifier.from_model_file(
        langid.MODEL_FILE, norm_probs=True, min_confidence=_LEAST_CONFIDENCE
    )
