"""Words of a text, as support and evidence compare them: lower case, stemmed, without those that carry no content."""

# ruff: noqa: SIM905 - a word list is read, sorted and compared more easily as words

import re

from libs.text.stems import language_read, stem
from libs.text.stopwords import OF_LANGUAGE

# Letters and digits with what may stand inside a word: can't, e-mail, 3.14, 1,000, v1.2.3, README.md, snake_case.
WORD = re.compile(r"[^\W_]+(?:[._'’\-/@:,][^\W_]+)*")
_JOINT = re.compile(r"[-/’',:_]")
_POSSESSIVE = re.compile(r"['’][sS]$")
_GROUPED_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")

STOPWORDS = frozenset(
    """a about above after again against all also although am an and any are aren't as at be because been before
    being below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down
    during each either else ever every few for from further get gets got had hadn't has hasn't have haven't having
    he hello her here hers herself hey hi him himself his how however i if in into is isn't it it's its itself just
    let let's like many may me might more most much must my myself neither no nor not now of off on once one only
    or other our ours ourselves out over own per please same shall she should shouldn't since so some such than
    thank thanks that that's the their theirs them themselves then there therefore these they they're this those
    though through thus to too under unless until up upon us very was wasn't we we're were weren't what what's when
    where whether which while who who's whom whose why will with within without won't would wouldn't yes yet you
    you're your yours yourself yourselves""".split()
)


def words(text: str) -> list[str]:
    """Every word as it is written, without a possessive ending; 1,000 is 1000."""
    found = (_POSSESSIVE.sub("", match.group()) for match in WORD.finditer(text))
    return [word.replace(",", "") if _GROUPED_DIGITS.fullmatch(word) else word for word in found]


def content_stems(text: str) -> frozenset[str]:
    """The stems of the words that carry content in the language that is read; a joined word's parts stand for it."""
    stopwords = contentless()
    found: set[str] = set()
    for word in words(text.casefold().replace("’", "'")):
        if word not in stopwords:
            found.update(stem(part) for part in _JOINT.split(word) if part and part not in stopwords)
    return frozenset(found)


def contentless() -> frozenset[str]:
    """The words without content of the language that is read."""
    return OF_LANGUAGE.get(language_read(), STOPWORDS)
