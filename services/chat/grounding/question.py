"""Whether a supported sentence can be an answer to the question at all."""

import numpy as np
from numpy.typing import NDArray

from libs.contracts.errors import FootnoteError
from libs.text.compounds import found_among
from libs.text.words import content_stems
from services.chat.grounding.denying import affirms, asks_what_is_not, says_what_is_not
from services.chat.ports import Embedder

# Half the cosine between question and sentence, half the share of the question's content words in the sentence and its
# source's title: 2 % of the sentences that hold an answer lie below, and 99.6 % of those from other documents.
# docs/decisions/0007-grounding.md tells how it was measured.
LEAST_BEARING = 0.25


class AskedQuestion:
    """A question, as sentences are held against it."""

    def __init__(self, text: str, embedder: Embedder) -> None:
        self._text = text
        self._stems = content_stems(text)
        self._embedder = embedder
        self._asks_what_is_not = asks_what_is_not(text)

    def denied_wrongly(self, sentence: str) -> bool:
        """Whether it asks what isn't so, and the sentence only says what is."""
        return self._asks_what_is_not and affirms(self._text, sentence) and not says_what_is_not(sentence)

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
