"""What a question asks for, as far as its words tell: of two that ask for the same, one answer serves."""

# ruff: noqa: SIM905 - a word list is read, sorted and compared more easily as words

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from libs.text.words import STOPWORDS, stem, words
from services.chat.answer_cache.kinds import kinds_of
from services.chat.answer_cache.order import order_of
from services.chat.answer_cache.phrases import evened
from services.chat.answer_cache.roles import (
    ASKS,
    BE,
    PREPOSITIONS,
    SUPPORT,
    Role,
    asked_role,
    is_participle,
    is_passive,
)
from services.chat.answer_cache.synonyms import LIGHT, canonical
from services.chat.grounding.dates import month_stems
from services.chat.grounding.facts import Facts, facts_of

# What stands for one who acts or is acted on.
ARGUMENTS = ("who", "what", "how many")
# Stop words that one question may not have without the other.
_TELLING = frozenset(
    """after all another above before below between besides else few first get gets got he her hers him his less least
    like more most only other out over same she since until without against again once under off down up never
    """.split()
)
_SAYS_NOTHING = frozenset(
    """people person one ones thing things way ways certain actually really exactly specifically please tell know
    particular fact also ever""".split()
)
# With "when" and "where", that it happened says nothing more.
_HAPPEN = frozenset(canonical(stem(word)) for word in ("happen", "occur"))
_MODALITIES = (
    ("possible", frozenset("can could may might possible".split())),
    ("needed", frozenset("must should shall mandatory".split())),
)
_TENSES = (
    ("past", frozenset("was were did had".split())),
    ("present", frozenset("is are do does has have am".split())),
    ("future", frozenset("will shall".split())),
)
# Names, where a capital within the question says so.
_NAMES_OF_VERBS = frozenset({"May", "Will"})
_JOINT = re.compile(r"[-/',:_]")


@dataclass(frozen=True)
class Argument:
    """A content word and the preposition that leads to it, empty for a subject or an object.

    `named`: written with a capital. Words of one `group` stand side by side or are joined by "and".
    """

    stem: str
    preposition: str
    named: bool
    group: int


@dataclass(frozen=True)
class Asking:
    """`kinds` are what is asked for. `content` are the canonical stems of what it is asked about.

    `order` are its content words and prepositions as they stand; `spelt` are its names, each stem with the word.
    `joins` are "and" and "or", `participles` what stands for the verb of a passive; `helper` is the first verb of "be"
    or "do".
    `modality` holds "possible" and "needed"; `tense` is empty where no word tells. `asked` is what the asking word is
    to the verb. `passive`: who acts follows "by".
    """

    kinds: tuple[str, ...]
    content: frozenset[str]
    modality: frozenset[str]
    tense: str
    asked: Role
    passive: bool
    arguments: tuple[Argument, ...]
    order: tuple[str, ...]
    spelt: frozenset[tuple[str, str]]
    joins: frozenset[str]
    participles: frozenset[str]
    helper: str
    facts: Facts

    def acts(self, argument: Argument) -> bool:
        """Whether it may be who acts or what is acted on."""
        return not argument.preposition or (self.passive and argument.preposition == "by")


def asking_of(question: str) -> Asking:
    kinds, marked = kinds_of(evened(question))
    every = words(marked)
    content = {canonical(stem(part)) for word in every if _tells(word) for part in _parts(word)}
    if kinds[0] in ("when", "where"):
        content -= _HAPPEN
    content |= {word.casefold() for word in words(question)[1:] if word in _NAMES_OF_VERBS}
    facts = facts_of(question)
    passive = is_passive(every)
    # "4 March" and "March 4" are compared as dates.
    dated = month_stems() if facts.dates else frozenset[str]()
    without_dates = [word for word in every if not (facts.dates and word[0].isdigit()) and stem(word) not in dated]
    return Asking(
        kinds=kinds,
        content=frozenset(content),
        modality=frozenset(name for name, said in _MODALITIES if said & set(every)),
        tense=_tense(every),
        asked=asked_role(every, _tells) if kinds[0] in ARGUMENTS else "",
        passive=passive,
        arguments=_arguments(every, facts.names),
        order=order_of(without_dates, _said, lambda word: _is_named(word, facts.names)),
        spelt=frozenset(
            (stem(folded), folded.rstrip("s")) for word in words(question) if (folded := word.casefold()) != word
        ),
        joins=frozenset({"and", "or"} & set(every)),
        helper=next(("be" if word in BE else "do" for word in every if word in BE | SUPPORT), ""),
        participles=frozenset(canonical(stem(word)) for word in every if passive and is_participle(word)),
        facts=facts,
    )


def _tells(word: str) -> bool:
    if word == ASKS or word in _SAYS_NOTHING or any(word in said for _, said in _MODALITIES):
        return False
    return word not in STOPWORDS or word in _TELLING


def _parts(word: str) -> list[str]:
    return [part for part in _JOINT.split(word) if part and (part not in STOPWORDS or part in _TELLING)]


def _tense(every: Sequence[str]) -> str:
    for before, word in zip(("", *every), every, strict=False):
        tense = next((name for name, said in _TENSES if word in said and before != "to"), None)
        if tense:
            return tense
    return ""


def _arguments(every: Sequence[str], names: Collection[str]) -> tuple[Argument, ...]:
    found: list[Argument] = []
    preposition, group = "", 0
    for word in every:
        if word in PREPOSITIONS:
            preposition, group = word, group + 1
        elif word in BE or word in SUPPORT or word in (ASKS, "that"):
            preposition, group = "", group + 1
        elif _tells(word):
            named = _is_named(word, names)
            group += not named
            found.append(Argument(canonical(stem(word)), preposition, named, group))
    return tuple(found)


def _is_named(word: str, names: Collection[str]) -> bool:
    return any(stem(part) in names for part in (word, *_parts(word)))


def _said(word: str) -> str | None:
    """A content word as it is compared in its place; None of what says little."""
    if not _tells(word):
        return None
    one = canonical(stem(word))
    return None if one in LIGHT else one
