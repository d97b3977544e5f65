"""What a sentence states exactly: numbers, codes, names, and which way round. A paraphrase may change all but these."""

# ruff: noqa: SIM905 - a word list is read, sorted and compared more easily as words

import re
from dataclasses import dataclass

from libs.text.words import STOPWORDS, WORD, stem, words

_SMALL_NUMBERS = {
    name: str(value)
    for value, name in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty""".split()
    )
} | {
    name: str(10 * value)
    for value, name in enumerate("thirty forty fifty sixty seventy eighty ninety hundred".split(), start=3)
}
# "one of the reasons" counts nothing.
_PRONOUN_NUMBERS = frozenset({"one", "zero"})
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
# The digits of B12 or v1.2 are part of a code, no number of their own.
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)*")

_UNITS = {
    word: unit
    for unit, names in {
        "percent": "% percent percentage",
        "dollar": "$ usd dollar dollars",
        "euro": "€ eur euro euros",
        "pound": "£ gbp pound pounds",
        "second": "s sec secs second seconds",
        "millisecond": "ms millisecond milliseconds",
        "minute": "min mins minute minutes",
        "hour": "h hr hrs hour hours hourly",
        "day": "day days daily",
        "week": "week weeks weekly",
        "month": "month months monthly",
        "year": "year years yearly annually",
        "thousand": "thousand thousands k",
        "million": "million millions m",
        "billion": "billion billions bn",
        "byte": "byte bytes",
        "kb": "kb kib kilobyte kilobytes",
        "mb": "mb mib megabyte megabytes",
        "gb": "gb gib gigabyte gigabytes",
        "tb": "tb tib terabyte terabytes",
        "km": "km kilometer kilometers kilometre kilometres",
        "mile": "mile miles",
        "meter": "meter meters metre metres",
        "kg": "kg kilogram kilograms",
        "gram": "g gram grams",
        "mg": "mg milligram milligrams",
    }.items()
    for word in names.split()
}
_QUANTITY = re.compile(r"(?P<before>[$€£])?\s?(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)[\s-]?(?P<after>%|[A-Za-z]+)?")

_MEASURE = re.compile(r"\d+(?:\.\d+)?-?(?:" + "|".join(word for word in _UNITS if word.isalpha()) + r")")

_NEGATIONS = frozenset(
    """no not never none neither cannot without nobody nothing nowhere hardly scarcely barely except""".split()
)
_NUMERO = re.compile(r"\b[Nn]o\.?\s*(?=\d)")
_CLAUSE_BORDER = re.compile(r";|\s[–—]\s|,?\s(?:but|whereas|while|although|though|however|and|or)\s|[()]")

# Words of one side in a sentence whose passage has only words of the other: the sentence says the contrary.
_OPPOSITES: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (frozenset(map(stem, one.split())), frozenset(map(stem, other.split())))
    for one, other in (
        (
            "increase increased increasing rise rising rose risen grow grew growing growth raise raised",
            "decrease decreased decreasing decline fall fell falling fallen drop dropped reduce reduced reduction",
        ),
        (
            "enhance enhanced promote promoted improve improved activate strengthen",
            "suppress suppressed inhibit inhibited attenuate attenuated impair impaired worsen worsened weaken",
        ),
        ("before", "after"),
        ("more greater higher above over exceed", "less fewer lower below under"),
        ("maximum", "minimum"),
        ("allow allowed permit permitted may can", "forbid forbidden prohibit prohibited ban banned disallow"),
        ("always", "never"),
        ("required mandatory compulsory must", "optional voluntary may"),
        ("include included including", "exclude excluded excluding"),
        ("accept accepted approve approved grant granted", "reject rejected deny denied refuse refused"),
        ("positive positively", "negative negatively"),
        ("first earliest oldest", "last latest newest"),
        ("start started begin began", "end ended stop stopped finish"),
        ("early earlier", "late later"),
        ("internal", "external"),
        ("pass passed succeed success", "fail failed failure"),
        ("buy bought", "sell sold"),
        ("import", "export"),
        ("north northern", "south southern"),
        ("east eastern", "west western"),
        ("left", "right"),
        ("true", "false"),
    )
)
_DENYING_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "de", "non", "mis")
_SHORTEST_PREFIXED = 4

# Sentence openers whose capital means nothing; others that look like ordinary words are known by their endings.
_OPENERS = frozenset(
    """according additionally furthermore moreover overall therefore finally next second third generally typically
    usually often sometimes specifically currently instead otherwise meanwhile similarly likewise consequently
    everyone everything someone anyone people note remember
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
_CODE = re.compile(r"https?://[^\s<>()\[\]\"'`]+|[^\W_]+(?:[._/@:\-][^\W_]+)+|[^\W_]*\d[^\W_]*")


@dataclass(frozen=True)
class Facts:
    """`names` are stems of capitalised words, `words` those of all words; `denials` counts words like "not"."""

    numbers: frozenset[str]
    quantities: frozenset[tuple[str, str]]
    codes: frozenset[str]
    names: frozenset[str]
    words: frozenset[str]
    denials: int


def facts_of(text: str, ordinary: frozenset[str] = frozenset()) -> Facts:
    """`ordinary` are stems known not to be names: a capital that only opens a sentence means nothing on them."""
    every = words(text)
    folded = [word.casefold() for word in every]
    return Facts(
        numbers=frozenset(number for word in folded for number in _numbers(word)),
        quantities=quantities(text),
        codes=frozenset(_codes(text)),
        names=frozenset(_names(text, ordinary)),
        words=frozenset(stem(part) for word in folded for part in (word, *_JOINT.split(word)) if part),
        denials=_denials(text),
    )


def contradiction(sentence: Facts, support: Facts, around: frozenset[str]) -> str | None:
    """Why the supporting text can't stand for the sentence, or None.

    `around` are stems that a name may also be found among: the title and headings above the supporting text.
    """
    return (
        _number_missing(sentence, support)
        or next((f"{code!r} isn't in the passage" for code in sorted(_codes_missing(sentence, support))), None)
        or next((f"the name {name!r} isn't there" for name in sorted(sentence.names - support.words - around)), None)
        or contrary(sentence, support)
    )


def _number_missing(sentence: Facts, support: Facts) -> str | None:
    for number in sorted(sentence.numbers - support.numbers):
        return f"the number {number!r} isn't in the passage"
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
    for one, other in _OPPOSITES:
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
    return _denials(text) % 2 == 1


def clauses(text: str) -> list[str]:
    """The parts of a sentence that can be true by themselves, roughly: cut at conjunctions and semicolons."""
    return [part for part in _CLAUSE_BORDER.split(text) if part.strip()]


def _denials(text: str) -> int:
    folded = _NUMERO.sub("number ", text).casefold().replace("’", "'")
    return sum(word in _NEGATIONS or word.endswith("n't") for word in words(folded))


def _numbers(word: str) -> list[str]:
    if word in _PRONOUN_NUMBERS:
        return []
    if word in _SMALL_NUMBERS:
        return [_SMALL_NUMBERS[word]]
    ordinal = _ORDINAL.fullmatch(word)
    if ordinal:
        return [ordinal.group(1)]
    return [_plain(number) for number in _NUMBER.findall(word)]


def _plain(number: str) -> str:
    """A number as written most simply: 01.50 is 1.5; a version such as 1.2.3 stays."""
    if number.count(".") > 1:
        return number
    whole, _, fraction = number.partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def quantities(text: str) -> frozenset[tuple[str, str]]:
    """Every number that has a unit, with it."""
    found: set[tuple[str, str]] = set()
    for match in _QUANTITY.finditer(text):
        number = _plain(match["number"].replace(",", ""))
        for symbol in (match["before"], match["after"]):
            unit = _UNITS.get(symbol.casefold()) if symbol else None
            if unit:
                found.add((number, unit))
    return frozenset(found)


def unit_of(word: str) -> str | None:
    """The unit that a word or sign stands for, by its name in the singular."""
    return _UNITS.get(word.casefold())


def counted(text: str, things: frozenset[str], within: int) -> dict[str, set[str]]:
    """The numbers that stand at most `within` words before one of the things, under its stem; none of a unit's."""
    every = [word.casefold() for word in words(text)]
    found: dict[str, set[str]] = {}
    for index, word in enumerate(every):
        numbers = _numbers(word)
        after = every[index + 1 : index + 1 + within]
        if after and after[0] in _UNITS:
            continue
        thing = next((one for one in map(stem, after) if one in things), None)
        if numbers and thing:
            found.setdefault(thing, set()).update(numbers)
    return found


def _codes(text: str) -> set[str]:
    """Addresses, file names, versions, identifiers: words with signs or letters and digits in them."""
    found: set[str] = set()
    for match in _CODE.finditer(text):
        code = match.group().casefold().rstrip(".,;:/")
        mixed = any(character.isalpha() for character in code) and (
            any(character.isdigit() for character in code) or any(sign in code for sign in "._/@:")
        )
        if mixed and not _ORDINAL.fullmatch(code) and not _MEASURE.fullmatch(code):
            found.add(code)
    return found


def _names(text: str, ordinary: frozenset[str]) -> set[str]:
    found: set[str] = set()
    for match in WORD.finditer(text):
        word = _POSSESSIVE.sub("", match.group())
        folded = word.casefold()
        if len(word) == 1 or folded in STOPWORDS or folded in _SMALL_NUMBERS or folded in _UNITS:
            continue
        parts = [part for part in _JOINT.split(word) if part[:1].isupper() and part.isalpha()]
        stems = {stem(part.casefold()) for part in parts if part.casefold() not in STOPWORDS}
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
