"""What a sentence states exactly: numbers, codes, names, and which way round. A paraphrase may change all but these."""

# ruff: noqa: SIM905 - a word list is read, sorted and compared more easily as words

import re
from dataclasses import dataclass

from libs.text.words import STOPWORDS, WORD, contentless, stem, words
from services.chat.grounding.dates import Date, dates_of, month_stems
from services.chat.grounding.joined import Joined, joined_of
from services.chat.grounding.negations import denials, opposites
from services.chat.grounding.number_words import number_words
from services.chat.grounding.numbers import ORDINAL, counts, numbers_in, ones, ordinals, quantities
from services.chat.grounding.spelt import NUMBER_WORDS, figures_in_digits
from services.chat.grounding.units import MEASURE, unit_of

# What a minus may be told by.
_LOWERING = frozenset(
    map(
        stem,
        """decline declined decrease decreased deduct deducted drop dropped fall fell lose lost loss
    losses minus negative reduce reduced reduction shrink shrank""".split(),
    )
)
_DENYING_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "de", "non", "mis")
_SHORTEST_PREFIXED = 4

# Sentence openers whose capital means nothing; others that look like ordinary words are known by their endings.
_OPENERS = frozenset(
    """according additionally furthermore moreover overall therefore finally next second third generally typically
    usually often sometimes specifically currently instead otherwise meanwhile similarly likewise consequently
    everyone everything someone anyone people note remember half twice
    add allow apply ask avoid book bring build call change check choose click close contact create delete download
    edit enable ensure enter fill find follow get give go install join keep leave log look make move open pay pick
    plan press provide put read remove report request restart return review run save search see select send set show
    sign start stop store submit take tell try turn update upload use visit wait work write
    access answers approval business class clients companies costs customers data days documents employees expenses
    files flights forms groups hours leave members messages money months office orders papers parents pay payments
    prices products questions receipts results rules sales services staff students systems teams tests tools travel
    users vacation weeks work years""".split()
)
_ORDINARY_ENDING = re.compile(
    r"(?:ing|ed|ly|tion|tions|ment|ments|ness|ity|ies|ers|ees|ors|ance|ence|ous|ful|ive|able|ible)$"
)
_SENTENCE_OPENING = re.compile(r"(?:^|[.!?:]\s+|\n\s*)[\s\"'“‘(*_>#\-•|\d.)]*$")
_JOINT = re.compile(r"[-/’',:_.@]")
_POSSESSIVE = re.compile(r"['’][sS]$")
_CODE_JOINT = re.compile(r"[-/:]")
_TIME_OF_DAY = re.compile(r"\d{1,2}h\d\d")
_VERSION = re.compile(r"^v(?=\d+\.)")
# A word is looked at from its start alone: from each of its letters, a long one takes quadratic time.
_CODE = re.compile(r"https?://[^\s<>()\[\]\"'`]+|(?<![^\W_])(?:[^\W_]+(?:[._/@:\-][^\W_]+)+|[^\W_]*\d[^\W_]*)")


@dataclass(frozen=True)
class Facts:
    """`names` are stems of capitalised words, `words` those of all words; `denials` counts words like "not".

    `numbers` are all, `undated` those that are no part of a date, a time, a ratio or a fraction; `counts` are those of
    what follows them at once, with its stem; `ones` are those of them that are written as "one" and "zero"; `ordinals`
    are "second" and "2nd".
    """

    numbers: frozenset[str]
    undated: frozenset[str]
    dates: frozenset[Date]
    joined: frozenset[Joined]
    counts: frozenset[tuple[str, str]]
    ones: frozenset[tuple[str, str]]
    ordinals: frozenset[tuple[str, str]]
    quantities: frozenset[tuple[str, str]]
    codes: frozenset[str]
    names: frozenset[str]
    words: frozenset[str]
    denials: int


def facts_of(text: str, ordinary: frozenset[str] = frozenset()) -> Facts:
    """`ordinary` are stems known not to be names: a capital that only opens a sentence means nothing on them."""
    read = number_words(text)
    digits = figures_in_digits(read)
    every = [word.casefold() for word in words(digits)]
    folded = every if digits == text else {*every, *(word.casefold() for word in words(text))}
    dates, rest = dates_of(read)
    joined, rest = joined_of(figures_in_digits(rest) if dates else digits)
    undated = numbers_in(rest)
    return Facts(
        numbers=undated.union(*(one.parts for one in (*dates, *joined))),
        undated=undated,
        dates=dates,
        joined=joined,
        counts=counts(every),
        ones=ones(every),
        ordinals=ordinals(every),
        quantities=quantities(digits),
        codes=frozenset(_codes(read)),
        names=frozenset(_names(read, ordinary)),
        words=frozenset(stem(part) for word in folded for part in (word, *_JOINT.split(word)) if part),
        denials=denials(text),
    )


def contradiction(sentence: Facts, support: Facts, around: frozenset[str]) -> str | None:
    """Why the supporting text can't stand for the sentence, or None.

    `around` are stems that a name may also be found among: the title and headings above the supporting text.
    """
    names = sentence.names - support.words - around
    if sentence.dates and support.dates:
        # A month is compared as part of its date, however it is written.
        names -= month_stems()
    return (
        _date_missing(sentence, support)
        or _joined_missing(sentence, support)
        or _number_missing(sentence, support)
        or next((f"{code!r} isn't in the passage" for code in sorted(_codes_missing(sentence, support))), None)
        or next((f"the name {name!r} isn't there" for name in sorted(names)), None)
        or contrary(sentence, support)
    )


def _date_missing(sentence: Facts, support: Facts) -> str | None:
    for date in sentence.dates:
        if support.dates:
            if not any(date.is_said_by(other, support.numbers) for other in support.dates):
                return f"the passage has another date than {date}"
        else:
            for number in sorted(date.parts - support.numbers):
                return f"the number {number!r} isn't in the passage"
    return None


def _joined_missing(sentence: Facts, support: Facts) -> str | None:
    for one in sentence.joined:
        alike = [other for other in support.joined if other.sign == one.sign]
        if any(one.readings & other.readings for other in alike):
            continue
        # "From 9 am" of "9-17": only its numbers are there, and in no other such value.
        for number in sorted(one.parts - (support.undated if alike else support.numbers)):
            return f"{one}: the number {number!r} isn't in the passage"
    return None


def _number_missing(sentence: Facts, support: Facts) -> str | None:
    numbers = support.numbers
    if sentence.words & _LOWERING:
        # "It fell by 5 %" of -5 %.
        numbers |= {number.lstrip("-") for number in numbers}
    if support.words & _LOWERING:
        numbers |= {f"-{number}" for number in numbers}
    if any(number == "1" for number, _ in support.counts):
        numbers |= {"1"}
    numbers |= {number for number, _ in support.ordinals}
    for number in sorted(sentence.undated - numbers):
        return f"the number {number!r} isn't in the passage"
    # "1h" and "a 1-day trip" count by their unit alone.
    counted = support.counts | support.quantities
    for mine, theirs in ((sentence.ones, counted), (sentence.ordinals, support.ordinals)):
        for number, thing in sorted(mine):
            found = {other for other, counted in theirs if counted == thing}
            if found and number not in found:
                return f"the passage has another number of {thing!r} than {number!r}"
    for number, unit in sorted(sentence.quantities):
        units = {found for other, found in support.quantities if other == number}
        if units and unit not in units:
            return f"the passage measures {number!r} in another unit than {unit!r}"
    return None


def _codes_missing(sentence: Facts, support: Facts) -> set[str]:
    missing = sentence.codes - support.codes
    return {code for code in missing if not {stem(part) for part in _CODE_JOINT.split(code)} <= support.words}


def contrary(sentence: Facts, support: Facts) -> str | None:
    """Why the two point in opposite directions, or None."""
    for one, other in opposites():
        for said, found in ((one, other), (other, one)):
            if sentence.words & said and support.words & found and not support.words & said:
                return f"the passage says {min(support.words & found)!r}, not {min(sentence.words & said)!r}"
    for word in sorted(sentence.words - support.words):
        for prefix in _DENYING_PREFIXES:
            bare = word.removeprefix(prefix)
            contrary = prefix + word if prefix + word in support.words else bare
            if len(bare) >= _SHORTEST_PREFIXED and contrary != word and contrary in support.words:
                return f"the passage says {contrary!r}, not {word!r}"
    return None


def is_negated(text: str) -> bool:
    """Whether it denies: two denials of a clause make a statement."""
    return denials(text) % 2 == 1


def _codes(text: str) -> set[str]:
    """Addresses, file names, versions, identifiers: words with signs or letters and digits in them."""
    found: set[str] = set()
    for match in _CODE.finditer(text):
        code = _VERSION.sub("", match.group().casefold().rstrip(".,;:/"))
        mixed = any(character.isalpha() for character in code) and (
            any(character.isdigit() for character in code) or any(sign in code for sign in "._/@:")
        )
        if mixed and not any(written.fullmatch(code) for written in (ORDINAL, MEASURE, _TIME_OF_DAY)):
            found.add(code)
    return found


def _names(text: str, ordinary: frozenset[str]) -> set[str]:
    found: set[str] = set()
    stopwords = STOPWORDS | contentless()
    for match in WORD.finditer(text):
        word = _POSSESSIVE.sub("", match.group())
        folded = word.casefold()
        if len(word) == 1 or folded in stopwords or unit_of(folded) or {*_JOINT.split(folded)} <= NUMBER_WORDS:
            continue
        parts = [part for part in _JOINT.split(word) if part[:1].isupper() and part.isalpha()]
        stems = {stem(part.casefold()) for part in parts if part.casefold() not in stopwords}
        if not stems:
            continue
        opens = _SENTENCE_OPENING.search(text, max(0, match.start() - 40), match.start()) is not None
        plain = folded in _OPENERS or _ORDINARY_ENDING.search(folded) or stems <= ordinary
        if not (opens and plain and not word.isupper()):
            found |= stems
    return found


def lower_case_stems(text: str) -> frozenset[str]:
    """Stems of the words that `text` writes in lower case: ordinary words, whatever capital they have elsewhere."""
    return frozenset(stem(part) for word in words(text) for part in _JOINT.split(word) if part.islower())
