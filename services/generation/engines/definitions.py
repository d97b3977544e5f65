"""Questions that ask what something is: "What is a lease?", "What does RRF stand for?"."""

import re
from collections.abc import Iterable

from services.generation.engines.lexical import content_terms

# A thing asked for by its name alone. What follows "the" or "my", or has a preposition in it, is a property of
# something ("What is the limit of a free plan?"), and its answer may well not say the question's words.
_ASKS_FOR_DEFINITION = re.compile(
    r"\W*(?:what(?:'s|’s| is| are| was| were)(?: an?)?|define|what (?:does|do))\s+"
    r"(?!(?:the|my|our|your|this|that|these|those|it|they|there|an?)\b)"
    r"(?P<subject>[\w'’/.-]+(?: [\w'’/.-]+){0,3}?)"
    r"(?: (?:mean|stand for))?\s*[?.!]*\s*$",
    re.IGNORECASE,
)
_PROPERTY = re.compile(
    r"\b(?:about|after|at|before|between|by|during|for|from|how|if|in|of|on|than|to|used|when|with|without)\b",
    re.IGNORECASE,
)


def defined_terms(question: str) -> frozenset[str]:
    """The terms of what the question asks to have defined; empty where it asks for something else."""
    found = _ASKS_FOR_DEFINITION.match(question)
    if found is None or _PROPERTY.search(found["subject"]):
        return frozenset()
    return frozenset(content_terms(found["subject"]))


def names_what_is_defined(defined: frozenset[str], terms: Iterable[str], context: Iterable[str]) -> bool:
    """Whether a sentence can tell what that is: it has one of the words itself, and all with what stands around it."""
    present = set(terms)
    return not defined or (bool(defined & present) and defined <= present | set(context))
