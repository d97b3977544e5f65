"""How many of a question's words a sentence has, and how telling they are."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from libs.text.compounds import found_among
from libs.text.stems import stem
from libs.text.words import STOPWORDS, contentless

# Words with their inner punctuation, so that "v1.2.3", "ERR-4012" and "don't" stay whole; CJK character by character.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:[-'’.:/_][^\W_]+)*")
_PARTS = re.compile(r"[^\W_]+")
_STOPWORDS = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both
    but by can could did do does doing down during each else ever few for from further get gets give given had has
    have having he hello her here hers hey hi him his how i if in into is it its itself just know let like many may
    me might more most much must my no nor not of off on once only or other our ours out over own please same shall
    she should so some such tell than thank thanks that the their theirs them then there these they this those
    through to too under until up upon us very was we were what when where whether which while who whom whose why
    will with would you your yours what's who's it's i'm there's find explain describe show mean means called name
    named""".split()  # noqa: SIM905 - a word list reads as words
)
# A number or a code is what a question with one is about.
_EXACT_WEIGHT = 2.0


def content_terms(text: str) -> set[str]:
    """The stems of the words of `text` that carry meaning; compounds whole and in parts."""
    stopwords = _STOPWORDS if contentless() is STOPWORDS else contentless()
    terms: set[str] = set()
    for word in _WORD.findall(text.lower().replace("’", "'")):
        if word in stopwords:
            continue
        terms.add(stem(word.removesuffix("'s")))
        if not word.isalnum():
            terms.update(stem(part) for part in _PARTS.findall(word) if part not in stopwords and len(part) > 1)
    return terms


class QuestionTerms:
    """The question's terms, weighted by how rare they are among the sentences that could answer it.

    Inverse document frequency as in BM25 (Robertson and Zaragoza 2009, 3.4), over sentences and not a collection:
    what every passage says, because retrieval brought it, tells the sentences apart no more.
    """

    def __init__(self, question: str, sentences: Sequence[set[str]]) -> None:
        frequency = Counter(term for terms in sentences for term in terms)
        self._weights = {
            term: math.log(1 + (len(sentences) - frequency[term] + 0.5) / (frequency[term] + 0.5))
            * (_EXACT_WEIGHT if any(map(str.isdigit, term)) else 1.0)
            for term in content_terms(question)
        }
        self._total = sum(self._weights.values())

    def coverage(self, terms: Iterable[str], context: Iterable[str] = ()) -> float:
        """The weighted share, 0 to 1, of the question that `terms` has; what only `context` has counts half."""
        if not self._total:
            return 0.0
        present, around = found_among(self._weights, set(terms)), found_among(self._weights, set(context))
        covered = sum(
            weight * (1.0 if term in present else 0.5 if term in around else 0.0)
            for term, weight in self._weights.items()
        )
        return covered / self._total
