"""Who does what in a question, as its order of words tells: what is asked for, and what it names."""

# ruff: noqa: SIM905 - a word list is read, sorted and compared more easily as words

from collections.abc import Callable, Sequence
from typing import Literal

# Stands in a question's words for what asks.
ASKS = "whxasks"
BE = frozenset("is are was were am be been being".split())
SUPPORT = frozenset("do does did".split())
PREPOSITIONS = frozenset(
    """about above across after against among around at before below beside besides between by down during for from in
    inside into like near of off on onto out outside over per since through to toward towards under until up upon via
    with within without""".split()
)
_HAVE = frozenset("has have had".split())
_IRREGULAR = frozenset(
    """beaten begun bet bought brought built cast caught chosen cost cut done drawn driven eaten fought found given held
    hit hurt kept known laid led left lent let lost made met paid put quit read run said seen sent set shot shown shut
    sold spent split spoken spread sung taken taught thought told understood won worn written""".split()
)
_BEFORE_A_PARTICIPLE = frozenset("not never first also been being originally actually once only ever".split())

Role = Literal["agent", "object", ""]


def asked_role(words: Sequence[str], tells: Callable[[str], bool]) -> Role:
    """What the asking word, which stands as `ASKS`, is to the verb.

    "agent" where it stands for who acts, "object" for anything else that a verb takes; empty where no verb tells, as in
    "Who is the director?". `tells` says which words carry content.
    """
    if ASKS not in words:
        return ""
    at = words.index(ASKS)
    before, after = words[:at], words[at + 1 :]
    led_by = before[-1] if before else ""
    if led_by == "by" or words[-1] == "by":
        return "agent"
    if led_by in PREPOSITIONS or words[-1] in PREPOSITIONS:
        return "object"
    # "In 1979, who …" begins anew; "Antigens bind to what?" doesn't ask who acts.
    if any(map(tells, before)) and words[0] not in PREPOSITIONS:
        return "object"
    return _role_before(after)


def _role_before(after: Sequence[str]) -> Role:
    """By the verbs that follow what asks."""
    helper = next((place for place, word in enumerate(after) if word in BE or word in SUPPORT), None)
    if helper is None or any(word in _HAVE or word.endswith("ed") for word in after[:helper]):
        return "agent"
    if after[helper] in SUPPORT:
        return "object"
    rest = [word for word in after[helper + 1 :] if word not in _BEFORE_A_PARTICIPLE]
    if rest and is_participle(rest[0]):
        return "object"
    if rest and rest[0].endswith("ing"):
        return "agent"
    return "object" if any(word.endswith("ing") for word in rest) else ""


def is_participle(word: str) -> bool:
    return word.endswith("ed") or word in _IRREGULAR


def is_passive(words: Sequence[str]) -> bool:
    """Whether who acts follows "by"."""
    be = next((at for at, word in enumerate(words) if word in BE), None)
    return be is not None and "by" in words and any(map(is_participle, words[be:]))
