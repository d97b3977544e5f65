"""The last answer given once more to a follow-up that asks of something else: "And the boat shed?"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from libs.text.compounds import found_among
from libs.text.words import content_stems, words

_MARKER = re.compile(r"\[\d{1,4}\]")


@dataclass(frozen=True)
class LastAnswer:
    """Its words, and `brought`: the stems that the follow-up adds to the questions that it leans on."""

    said: str
    brought: frozenset[str]

    def is_repeated_by(self, sentence: str, around: str) -> bool:
        """Whether it had the sentence, which says nothing of what is brought; nor do the title and headings around."""
        if not self.brought or f" {_spaced(sentence)} " not in self.said:
            return False
        return not found_among(self.brought, content_stems(f"{around} {sentence}"))


def last_answer(follow_up: str, leans_on: Sequence[str], answer: str) -> LastAnswer:
    brought = content_stems(follow_up) - content_stems(" ".join(leans_on))
    return LastAnswer(f" {_spaced(_MARKER.sub(' ', answer))} ", brought)


def _spaced(text: str) -> str:
    return " ".join(words(text.casefold()))
