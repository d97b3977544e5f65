"""Whether two questions say the same words in another order: "does Kim owe Lee" isn't "does Lee owe Kim"."""

from collections import Counter
from collections.abc import Callable, Sequence

from services.chat.answer_cache.roles import PREPOSITIONS

# Stands where words are joined.
JOINS = "&"


def order_of(every: Sequence[str], said: Callable[[str], str | None], named: Callable[[str], bool]) -> tuple[str, ...]:
    """The prepositions and what `said` makes of each other word, but for None; words joined by "and" sorted.

    `every` are lower-case words; `named` says which are names, that may have several words.
    """
    found: list[tuple[str, bool]] = []
    for word in every:
        one = word if word in PREPOSITIONS else JOINS if word in ("and", "or") else said(word)
        if one:
            found.append((one, named(word)))
    while (JOINS, False) in found:
        at = found.index((JOINS, False))
        start, end = _run(found[:at][::-1]), _run(found[at + 1 :])
        before, after = found[at - start : at], found[at + 1 : at + 1 + end]
        found[at - start : at + 1 + end] = [one for part in sorted((before, after)) for one in part]
    return tuple(one for one, _ in found)


def _run(found: Sequence[tuple[str, bool]]) -> int:
    """How many words at the start are one name, or one word."""
    names = next((at for at, (_, named) in enumerate(found) if not named), len(found))
    return names or min(1, len(found))


def exchanged(one: tuple[str, ...], other: tuple[str, ...]) -> str | None:
    """A word that stands in another's place, where the two are built alike; None where they are built otherwise.

    What is said in another way ("was sued by", "the cost of") has other prepositions, or has them elsewhere.
    """
    mine, theirs = (Counter(side) for side in (one, other))
    only = [*(mine - theirs).elements()], [*(theirs - mine).elements()]
    if len(only[0]) == len(only[1]) == 1:
        other = tuple(only[0][0] if word == only[1][0] else word for word in other)
    elif only[0] or only[1]:
        return None
    if [word in PREPOSITIONS and word for word in one] != [word in PREPOSITIONS and word for word in other]:
        return None
    places = [at for at, (word, instead) in enumerate(zip(one, other, strict=True)) if word != instead]
    if not places or _moved(one[places[0] : places[-1] + 1], other[places[0] : places[-1] + 1]):
        return None
    return one[places[0]]


def _moved(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether a word has but moved over others: in "what is called a new lease" and "what is a new lease called"."""
    return len(one) > 2 and (one[1:] == other[:-1] or one[:-1] == other[1:])  # noqa: PLR2004 - two change places
