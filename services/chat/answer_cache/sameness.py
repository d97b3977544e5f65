"""Whether two questions ask for the same thing, so that the answer to one is the answer to the other.

Near questions differ in one word that turns the answer: oldest and largest, buy and sell, before and after. So each
word must be found on the other side, as itself or as a synonym; a doubt counts as a difference.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations

from services.chat.answer_cache.asking import ARGUMENTS, Asking
from services.chat.answer_cache.order import exchanged
from services.chat.answer_cache.roles import PREPOSITIONS
from services.chat.answer_cache.synonyms import LIGHT

# What these lead to can't be led to by the other of the pair.
_APART = frozenset(
    frozenset(pair)
    for pair in (
        ("from", "to"),
        ("from", "into"),
        ("before", "after"),
        ("above", "below"),
        ("over", "under"),
        ("with", "without"),
        ("for", "against"),
        ("in", "outside"),
        ("inside", "outside"),
        ("since", "until"),
        ("up", "down"),
    )
)
# Of two words from one root: letters, and the part of the shorter word.
_LEAST_SHARED = 5
_LEAST_OF_SHORTER = 0.8
_PERSONS = ("er", "or", "ee", "ist", "ian")


def difference(one: Asking, other: Asking) -> str | None:
    """Why the answer to one may not be the answer to the other; None where they ask for the same."""
    if one.kinds != other.kinds and {*one.kinds, *other.kinds} != {"who", "what"}:
        return f"one asks {' and '.join(one.kinds)}, the other {' and '.join(other.kinds)}"
    if not one.content:
        return "neither says what it is about"
    if one.modality != other.modality:
        return "one asks what must or may be, the other what is"
    if one.tense and other.tense and one.tense != other.tense:
        return f"one is about the {one.tense}, the other about the {other.tense}"
    return _words(one, other) or _fact(one, other) or _role(one, other)


def _words(one: Asking, other: Asking) -> str | None:
    names = one.facts.names | other.facts.names
    only = _alone(one.content - other.content, other.content - one.content, names)
    if only:
        return f"{only!r} is in one of them alone"
    repeated = _repeated(one.order, other.order)
    if repeated:
        return f"{repeated!r} stands for two things in one of them"
    return None


def _alone(one: Collection[str], other: Collection[str], names: AbstractSet[str]) -> str | None:
    """A word that makes a difference, of those that only one question has."""
    if len(one) == len(other) == 1 and not names & {*one, *other} and _derived(*one, *other):
        return None
    if one and other:
        return min((*one, *other))
    return min((word for word in (*one, *other) if word not in LIGHT), default=None)


def _derived(one: str, other: str) -> bool:
    """Whether both come from one word: colonize and colonization, but not employer and employee."""
    shared = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    ends_as_person = one.endswith(_PERSONS) or other.endswith(_PERSONS)
    return shared >= _LEAST_SHARED and shared >= _LEAST_OF_SHORTER * min(len(one), len(other)) and not ends_as_person


def _repeated(one: Sequence[str], other: Sequence[str]) -> str | None:
    """What one says twice and the other once: of "my manager's boss" two words are one to us."""
    counts, others = Counter(one), Counter(other)
    both = (word for word in counts if word in others and word not in PREPOSITIONS)
    return next((word for word in both if counts[word] != others[word]), None)


def _fact(one: Asking, other: Asking) -> str | None:
    """Words may be synonyms, and what is exact must be the same all the same."""
    for name in {name for name, _ in one.spelt} & {name for name, _ in other.spelt}:
        if not {pair for pair in one.spelt & other.spelt if pair[0] == name}:
            return f"the name {name!r} is spelt otherwise in one of them"
    if min(one.facts.denials, 2) != min(other.facts.denials, 2):
        return "one denies what the other states"
    for what, mine, theirs in (
        ("date", one.facts.dates, other.facts.dates),
        ("time or ratio", one.facts.joined, other.facts.joined),
        ("number", one.facts.numbers, other.facts.numbers),
        ("quantity", one.facts.quantities, other.facts.quantities),
        ("code", one.facts.codes, other.facts.codes),
    ):
        if mine != theirs:
            return f"they don't have the same {what}"
    return None


def _role(one: Asking, other: Asking) -> str | None:
    """Who does what to whom, and which way."""
    if {one.asked, other.asked} == {"agent", "object"}:
        return "one asks who acts, the other doesn't"
    prepositions = {argument.stem: argument.preposition for argument in other.arguments}
    for argument in one.arguments:
        led = frozenset((argument.preposition, prepositions.get(argument.stem, "")))
        if led in _APART:
            return f"{argument.stem!r} is led to by {' and '.join(sorted(led))}"
    if one.joins and other.joins and one.joins != other.joins:
        return "one joins by 'and' what the other joins by 'or'"
    built_alike = (one.passive, one.helper) == (other.passive, other.helper)
    misplaced = exchanged(one.order, other.order) if built_alike else None
    if misplaced:
        return f"another stands in the place of {misplaced!r}"
    # Where what is asked for is no argument, each stands in its usual place: also what is no name is told by it.
    every = one.passive != other.passive and one.kinds[0] not in ARGUMENTS
    verbs = one.participles | other.participles
    mine, theirs = _places(one, every, verbs), _places(other, every, verbs)
    for first, second in combinations([name for name in mine if name in theirs], 2):
        if (mine[first] < mine[second]) != (theirs[first] < theirs[second]) and (
            mine[first] != mine[second] and theirs[first] != theirs[second]
        ):
            return f"{first!r} and {second!r} change places"
    return None


def _places(asking: Asking, every: bool, but: Collection[str]) -> dict[str, int]:
    """Names, or every word, by their place among who acts and is acted on; what stands side by side has the same."""
    agents_first = sorted(asking.arguments, key=lambda one: not (asking.passive and one.preposition == "by"))
    places: dict[str, int] = {}
    groups: dict[int, int] = {}
    for argument in agents_first:
        if (argument.named or every) and argument.stem not in but and asking.acts(argument):
            places.setdefault(argument.stem, groups.setdefault(argument.group, len(groups)))
    return places
