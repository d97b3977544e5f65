"""The names that a question asks about, and whether a text mentions them."""

import re
import unicodedata
from difflib import get_close_matches

from libs.text.stems import language_read, stem
from libs.text.words import STOPWORDS, words

# A misspelt name counts as the one it is near to: on SQuAD 2.0 this halves the names that only seem to be absent.
# docs/decisions/0007-grounding.md
CLOSE = 0.78
SHORTEST_MISSPELT = 4
# More capitals than this, and they are a style or another language's grammar, not names.
MOST_CAPITALIZED = 0.5

_QUESTION_WORD = re.compile(
    r"\b(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|can|could|may|must|will|would|has"
    r"|have|should)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?:]\s*$")
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "inc", "ltd", "gmbh", "co", "corp", "i"})


def names_in(question: str) -> list[str]:
    """The question's names as it writes them: acronyms, and words with a capital inside a sentence.

    None where the question has no English word that asks, is read as German, or its capitals are a style.
    """
    # A German noun has a capital, and "was" is a question word there too.
    if language_read() == "de" or not _QUESTION_WORD.search(question):
        return []
    found: list[str] = []
    said = list(re.finditer(r"[^\W_][\w'’&.\-]*", question))
    for match in said:
        word = match.group().rstrip(".")
        opens = match.start() == 0 or _SENTENCE_END.search(question[: match.start()]) is not None
        acronym = len(word) > 1 and word.isupper()
        if (acronym or (word[0].isupper() and not opens)) and not word.isdigit():
            found.append(word)
    if len(found) > MOST_CAPITALIZED * len(said):
        return []
    return [name for name in found if name.casefold() not in STOPWORDS | _TITLES]


class Mentions:
    """What a text mentions."""

    def __init__(self, text: str) -> None:
        written = [_plain(word) for word in words(text)]
        parts = {part for word in written for part in (word, *_PARTS.findall(word))}
        self._known = parts | set(map(stem, parts))
        self._initials = "".join(word[0] for word in written if word not in STOPWORDS)

    def __contains__(self, name: str) -> bool:
        """Whether the name stands there, be it with other accents, misspelt, or as the initials of what does."""
        plain = _plain(re.sub(r"['’]s?$", "", name))
        parts = [stem(part) for part in _PARTS.findall(plain)]
        if stem(plain) in self._known or (len(parts) > 1 and all(part in self._known for part in parts)):
            return True
        if name.isupper() and plain in self._initials:
            return True
        return len(plain) >= SHORTEST_MISSPELT and bool(get_close_matches(plain, self._known, n=1, cutoff=CLOSE))


def _plain(word: str) -> str:
    """Lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
