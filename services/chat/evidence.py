"""How strongly what was found bears on the question, before anything is written."""

from collections.abc import Sequence

from libs.contracts.knowledge import RetrievedPassage
from libs.text.compounds import found_among
from libs.text.words import content_stems

# Set on SQuAD 2.0, asked of its own paragraphs and of an unrelated handbook: docs/decisions/0007-grounding.md.
SIMILARITY_WEIGHT = 0.6
# Below this the documents are about something else: 97.0 % of the unrelated questions, 3.2 % of the answerable ones.
TOO_WEAK = 0.45
# The same border where no similarity is known: 99.0 % and 31 %.
TOO_WEAK_BY_WORDS = 0.67


def evidence(question: str, passages: Sequence[RetrievedPassage]) -> float:
    """0 to 1: the best passage's cosine with the question, and the share of its content words in the best passage.

    The two may be different passages. Without similarities the words stand alone.
    """
    covered = _coverage(question, passages)
    similarities = [passage.similarity for passage in passages if passage.similarity is not None]
    if not similarities:
        return covered
    return SIMILARITY_WEIGHT * min(1.0, max(0.0, *similarities)) + (1 - SIMILARITY_WEIGHT) * covered


def too_weak(score: float, passages: Sequence[RetrievedPassage]) -> bool:
    by_words = all(passage.similarity is None for passage in passages)
    return score < (TOO_WEAK_BY_WORDS if by_words else TOO_WEAK)


def _coverage(question: str, passages: Sequence[RetrievedPassage]) -> float:
    asked = content_stems(question)
    if not asked:
        return 0.0
    found = (len(found_among(asked, content_stems(f"{passage.title} {passage.content}"))) for passage in passages)
    return max(found, default=0) / len(asked)
