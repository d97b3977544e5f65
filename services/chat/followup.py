"""A short follow-up made into a question that can be searched for by itself."""

import re

from libs.text.words import content_stems, words

_LONGEST = 12
_MARKER = re.compile(
    r"\W*(?:and|but|or|so|also|then|what about|how about|what if|why not|how so|which ones?|who else|"
    r"where else|what else|anything else|tell me more|more about|go on|explain (?:that|this|it)|"
    r"(?:are|were|do|does|did|can|could|will|would|should|has|have) (?:it|they|that|this|those|these|he|she)|"
    r"it|they|that|this|those|these|he|she|his|her|their|its)\b",
    re.IGNORECASE,
)
_ASKS_FOR_MORE = frozenset({"more", "detail", "explain", "elabor", "tell", "continu", "go", "exampl", "mean", "pleas"})


def standalone(question: str, previous: str | None) -> str:
    """The question, after the one before it where it can't be understood alone; unchanged otherwise.

    It can't where it has no content words of its own, or is short and begins as a follow-up does ("and for interns?").
    """
    if not previous:
        return question
    empty = content_stems(question) <= _ASKS_FOR_MORE
    leans = len(words(question)) <= _LONGEST and _MARKER.match(question) is not None
    return f"{previous.strip()} {question.strip()}" if empty or leans else question
