"""Numbers as digits, however a text writes them: "twenty-five", "1.5 million", ½, and another language's 1.234,56."""

# ruff: noqa: SIM905 - a word list is read, sorted and compared more easily as words

import re
import unicodedata
from decimal import Decimal

from libs.text.stems import language_read
from services.chat.grounding.number_words import number_words

ONES = {
    name: value
    for value, name in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen""".split()
    )
}
TENS = {
    name: 10 * value
    for value, name in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
NUMBER_WORDS = frozenset(ONES) | frozenset(TENS) | {"hundred"}
# "One of the reasons" counts nothing.
PRONOUN_NUMBERS = frozenset({"one", "zero"})
ORDINAL_WORDS = {
    name: str(value)
    for value, name in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), start=1
    )
}
_SCALES = {
    "dozen": 12,
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
}

_DIGIT = "one|two|three|four|five|six|seven|eight|nine"
_DIGITS = r"\d[\d,]*(?:\.\d+)?"
_UNDER_HUNDRED = (
    rf"(?:(?:{'|'.join(TENS)})[\s-](?:{_DIGIT})|(?:{'|'.join(sorted((*TENS, *ONES), key=len, reverse=True))}))"
)
_UNDER_THOUSAND = rf"(?:(?:{_DIGIT}|an?)[\s-]hundred(?:[\s-](?:and[\s-])?{_UNDER_HUNDRED})?|{_UNDER_HUNDRED})(?![^\W_])"
_SCALED = r"(?:dozen|thousand|million|billion|trillion|bn)(?![^\W_])"
_GROUP = rf"(?:(?:{_UNDER_THOUSAND}|an?)[\s-]|{_DIGITS}[\s-]?){_SCALED}"
_SPELT = re.compile(
    rf"(?<![\w.,])(?:{_GROUP}(?:\s{_GROUP})*(?:[\s-](?:and[\s-])?{_UNDER_THOUSAND})?|{_UNDER_THOUSAND})"
    r"(?!['’])",
    re.IGNORECASE,
)
_LETTERS = re.compile("[a-z]+")
# Most sentences have none of them, and the search for their runs is slow.
_SPEAK_OF_NUMBERS = frozenset({*ONES, *TENS, *_SCALES})
_TENTH_AND = re.compile(
    rf"\b(?P<tens>{'|'.join(TENS)})[\s-](?P<ones>{'|'.join([*ORDINAL_WORDS][:9])})\b", re.IGNORECASE
)
# "5 to 10 million" are 5 million to 10 million.
_SCALED_RANGE = re.compile(
    rf"(?P<between>\bbetween\s)?(?<![\w.,])(?P<low>{_DIGITS})(?P<to>\s?[-–—]\s?|\s(?:to|or|and)\s)(?P<high>{_DIGITS})"
    rf"[\s-]?(?P<scale>{_SCALED})",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"(?<![\w.,])(?P<number>\d[\d,]*(?:\.\d+)?)k\b", re.IGNORECASE)
_MILLIONS = re.compile(r"(?<=[$€£])(?P<number>\d[\d,]*(?:\.\d+)?)\s?m\b", re.IGNORECASE)
_ONE_OF = re.compile(r"\bone(?=\s(?:in|out of)\s(?:every\s)?\d)", re.IGNORECASE)
_DECADE = re.compile(r"(?<=the )(?P<decade>(?:1[5-9]|20)\d0)['’]s\b")
_VULGAR = re.compile(r"(?P<whole>\d?)\s?(?P<part>[¼-¾⅐-⅞])")
_AND_A_HALF = re.compile(rf"\b(?P<number>\d+|one) and a half\b(?:\s(?P<scale>{_SCALED}))?", re.IGNORECASE)
_HALF_A = re.compile(rf"\bhalf an?(?=\s{_SCALED})", re.IGNORECASE)
# English words that are others there: "ten minste", "ten cuidado".
_OTHER_WORDS = {"nl": frozenset({"ten"}), "es": frozenset({"ten"})}
_SUFFIXES = {"1": "st", "2": "nd", "3": "rd"}

_GROUPED = r"\d{{1,3}}(?:(?:{between})\d{{3}})+"
_ELSEWHERE = {
    language: re.compile(
        rf"(?<![\w.,])(?P<whole>{_GROUPED.format(between=between)}|\d+)(?:,(?P<part>\d+))?(?![^\W_]|[.,]\d)"
    )
    for language, between in {
        **dict.fromkeys(("es", "nl", "pt"), r"[.\u00a0\u202f]"),
        # In Switzerland 1'000.
        **dict.fromkeys(("de", "it"), r"[.'’\u00a0\u202f]"),
        "fr": r"[ .'’\u00a0\u202f]",
    }.items()
}


def in_digits(text: str) -> str:
    """The text with "twenty-five", "two million" and "twenty-first" as 25, 2000000 and 21st; "one" and "zero" stay.

    To be asked once: what is English by then may be read otherwise in the language that is read.
    """
    return figures_in_digits(number_words(text))


def figures_in_digits(text: str) -> str:
    """The same of a text without number words of the language that is read."""
    text = _DECADE.sub(r"\g<decade>s", _VULGAR.sub(_fraction, text))
    elsewhere = _ELSEWHERE.get(language_read())
    if elsewhere:
        text = elsewhere.sub(_as_in_english, text)
    if not _SPEAK_OF_NUMBERS.isdisjoint(_LETTERS.findall(text.casefold())):
        text = _SPELT.sub(_value, _TENTH_AND.sub(_tenth, _SCALED_RANGE.sub(_both_scaled, _HALF_A.sub("0.5", text))))
        text = _AND_A_HALF.sub(_and_a_half, text)
    text = _MILLIONS.sub(lambda match: _times(match["number"], 10**6), _THOUSANDS.sub(_thousand, text))
    return _ONE_OF.sub("1", text)


def is_number_word(word: str) -> bool:
    """Whether a lower-case word is an English number in the language that is read; "one" and "zero" are none."""
    return word in NUMBER_WORDS and word not in PRONOUN_NUMBERS and word not in _OTHER_WORDS.get(language_read(), ())


def _fraction(match: re.Match[str]) -> str:
    part = unicodedata.normalize("NFKC", match["part"]).replace("⁄", "/")
    return f"{match['whole']} {part}"


def _and_a_half(match: re.Match[str]) -> str:
    number = f"{match['number'] if match['number'].isdigit() else 1}.5"
    return _times(number, _SCALES[match["scale"].casefold()]) if match["scale"] else number


def _as_in_english(match: re.Match[str]) -> str:
    whole = re.sub(r"\D", "", match["whole"])
    return f"{whole}.{match['part']}" if match["part"] else whole


def _both_scaled(match: re.Match[str]) -> str:
    if "and" in match["to"].casefold() and not match["between"]:
        return match.group()
    scale = match["scale"]
    return f"{match['between'] or ''}{match['low']} {scale}{match['to']}{match['high']} {scale}"


def _tenth(match: re.Match[str]) -> str:
    ones = ORDINAL_WORDS[match["ones"].casefold()]
    return f"{TENS[match['tens'].casefold()] + int(ones)}{_SUFFIXES.get(ones, 'th')}"


def _thousand(match: re.Match[str]) -> str:
    return _times(match["number"], 1000)


def _value(match: re.Match[str]) -> str:
    told = match.group().casefold()
    if told in NUMBER_WORDS and not is_number_word(told):
        return match.group()
    total, current = Decimal(0), Decimal(0)
    for word in re.findall(rf"{_DIGITS}|[a-z]+", told):
        if word in _SCALES:
            current = (current or 1) * _SCALES[word]
            if word != "hundred":
                total, current = total + current, Decimal(0)
        elif word in ("a", "an"):
            current = Decimal(1)
        elif word != "and":
            current += ONES.get(word, TENS.get(word, 0)) if word.isalpha() else Decimal(word.replace(",", ""))
    return _plainly(total + current)


def _times(number: str, scale: int) -> str:
    return _plainly(Decimal(number.replace(",", "")) * scale)


def _plainly(number: Decimal) -> str:
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"
