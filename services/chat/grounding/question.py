"""Whether a supported sentence can be an answer to the question at all."""

import re

import numpy as np
from numpy.typing import NDArray

from libs.contracts.errors import FootnoteError
from libs.text.compounds import found_among
from libs.text.words import content_stems, stem, words
from services.chat.grounding.facts import is_negated
from services.chat.ports import Embedder

# Half the cosine between question and sentence, half the share of the question's content words in the sentence and its
# source's title: 2 % of the sentences that hold an answer lie below, and 99.6 % of those from other documents.
# docs/decisions/0007-grounding.md tells how it was measured.
LEAST_BEARING = 0.25

_ASKS_FOR_A_FACT = re.compile(r"\b(?:what|which|who|whom|whose|where|when|how many|how much)\b", re.IGNORECASE)
# "What happens if I don't …", "Why isn't …": affirmations answer these.
_ASKS_FOR_MORE = re.compile(r"\b(?:if|why|happens?|unless|without)\b", re.IGNORECASE)
_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣◦–|]|\d{1,3}[.)])\s")
_DENYING = frozenset(
    map(
        stem,
        """absent avoid ban banned deny denied except exclude excluded excluding fail forbid forbidden impossible
        ineligible instead lack lacking missing neither only prohibit prohibited refuse refused reject rejected
        unable unavailable unlike unsupported""".split(),  # noqa: SIM905 - read as words
    )
)


def asks_what_is_not(question: str) -> bool:
    """Whether it asks for something that isn't so: "Which costs are not reimbursed?"."""
    return (
        is_negated(question)
        and _ASKS_FOR_A_FACT.search(question) is not None
        and _ASKS_FOR_MORE.search(question) is None
    )


def says_what_is_not(sentence: str) -> bool:
    """Whether it denies something; an item of a list may, with the line that opens the list."""
    if _LIST_ITEM.match(sentence) or is_negated(sentence):
        return True
    return any(stem(word) in _DENYING for word in words(sentence.casefold()))


class AskedQuestion:
    """A question, as sentences are held against it."""

    def __init__(self, text: str, embedder: Embedder) -> None:
        self._text = text
        self._stems = content_stems(text)
        self._embedder = embedder
        self._asks_what_is_not = asks_what_is_not(text)

    def denied_wrongly(self, sentence: str) -> bool:
        """Whether it asks what isn't so, and the sentence only says what is."""
        return self._asks_what_is_not and not says_what_is_not(sentence)

    async def is_borne_on(self, sentence: str, title: str) -> bool:
        """Whether the sentence, from a source of that title, speaks of what was asked."""
        # So many words in common are enough, whatever the cosine.
        if self.covered(sentence, title) >= 2 * LEAST_BEARING:
            return True
        return await self.bearing(sentence, title) >= LEAST_BEARING

    def covered(self, sentence: str, title: str) -> float:
        """The share of the question's content words in the sentence or its source's title."""
        if not self._stems:
            return 1.0
        return len(found_among(self._stems, content_stems(f"{title} {sentence}"))) / len(self._stems)

    async def bearing(self, sentence: str, title: str) -> float:
        """0 to 1: how much the sentence speaks of what was asked. Without embeddings words alone say it."""
        covered = self.covered(sentence, title)
        try:
            rows: NDArray[np.float32] = await self._embedder.embed([self._text, sentence])
        except FootnoteError:
            return covered
        return (covered + max(0.0, float(rows[0] @ rows[1]))) / 2
