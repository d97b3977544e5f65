"""Personal data in a text, by shape and checksum: what only looks like a number of that kind isn't taken for one."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from phonenumbers import Leniency, PhoneNumberMatcher
from stdnum import iban, luhn
from stdnum.be import nn as belgian
from stdnum.br import cpf as brazilian
from stdnum.ch import ssn as swiss
from stdnum.de import idnr as german
from stdnum.es import dni as spanish
from stdnum.es import nie as spanish_residence
from stdnum.fi import hetu as finnish
from stdnum.fr import nir as french
from stdnum.gb import nhs as british_health
from stdnum.in_ import aadhaar as indian
from stdnum.it import codicefiscale as italian
from stdnum.nl import bsn as dutch
from stdnum.pl import pesel as polish
from stdnum.us import ssn as american


class Kind(StrEnum):
    """In the words that a person is told."""

    CARD = "card number"
    IBAN = "IBAN"
    NATIONAL_ID = "national id"
    EMAIL = "e-mail address"
    PHONE = "phone number"


@dataclass(frozen=True)
class Found:
    """Characters [start, end) of a text."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True)
class _NationalId:
    """`said` must stand near one that digits alone would make too often: a tenth of all numbers pass its checksum."""

    shape: re.Pattern[str]
    valid: Callable[[str], bool]
    said: re.Pattern[str] | None = None


_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])"
)
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}(?!\w)")
# How card schemes begin, and how long their numbers are: a Luhn checksum alone passes a tenth of all numbers.
_CARD_SCHEMES = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[0-9]|2[2-7]|35|6[0-9])\d{14}|3[47]\d{13}|3[0689]\d{12}|6[0-9]\d{17}"
)
_NEAR = 60

_US = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")


def _said(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)


_NATIONAL_IDS = (
    _NationalId(_US, american.is_valid),
    _NationalId(
        re.compile(r"(?<!\w)\d{9}(?!\w)"),
        american.is_valid,
        _said("ssn", "social security(?: number| no)?"),
    ),
    _NationalId(re.compile(r"(?<!\w)[12] ?\d{2} ?[01]\d ?[0-9AB]{2} ?\d{3} ?\d{3} ?\d{2}(?!\w)"), french.is_valid),
    _NationalId(re.compile(r"(?<!\w)[A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z](?!\w)"), italian.is_valid),
    _NationalId(re.compile(r"(?<!\w)\d{8}-?[A-Za-z](?!\w)"), spanish.is_valid),
    _NationalId(re.compile(r"(?<!\w)[XYZxyz]-?\d{7}-?[A-Za-z](?!\w)"), spanish_residence.is_valid),
    _NationalId(re.compile(r"(?<!\w)\d{6}[-+A]\d{3}[0-9A-Z](?!\w)"), finnish.is_valid),
    _NationalId(re.compile(r"(?<!\w)756\.\d{4}\.\d{4}\.\d{2}(?!\w)"), swiss.is_valid),
    _NationalId(re.compile(r"(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)"), brazilian.is_valid),
    _NationalId(re.compile(r"(?<!\w)\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}(?!\w)"), belgian.is_valid),
    _NationalId(re.compile(r"(?<![\w-])\d{4} \d{4} \d{4}(?![\w-]| \d)"), indian.is_valid, _said("aadhaar", "uidai")),
    _NationalId(
        re.compile(r"(?<!\w)\d{2} ?\d{3} ?\d{3} ?\d{3}(?!\w)"),
        german.is_valid,
        _said("steuer-?id\\w*", "idnr", "steuerliche identifikationsnummer", "tax id\\w*"),
    ),
    _NationalId(re.compile(r"(?<!\w)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\w)"), british_health.is_valid, _said("nhs")),
    _NationalId(re.compile(r"(?<!\w)\d{9}(?!\w)"), dutch.is_valid, _said("bsn", "burgerservicenummer", "sofinummer")),
    _NationalId(re.compile(r"(?<!\w)\d{11}(?!\w)"), polish.is_valid, _said("pesel")),
)  # fmt: skip


def found_in(text: str, regions: Sequence[str] = ()) -> list[Found]:
    """What stands in a text, in order and apart; `regions` (ISO 3166) are whose phone numbers need no country code."""
    if not any(character.isdigit() for character in text) and "@" not in text:
        return []
    apart: list[Found] = []
    for one in sorted(_all(text, regions), key=lambda one: (one.start, -one.end)):
        if not apart or one.start >= apart[-1].end:
            apart.append(one)
        elif one.end > apart[-1].end:
            apart[-1] = Found(apart[-1].kind, apart[-1].start, one.end)
    return apart


def _all(text: str, regions: Sequence[str]) -> Iterator[Found]:
    for match in _EMAIL.finditer(text):
        yield Found(Kind.EMAIL, *match.span())
    yield from _account_numbers(text)
    yield from _national_ids(text)
    for region in (None, *regions):
        for number in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
            yield Found(Kind.PHONE, number.start, number.end)


def _account_numbers(text: str) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        end = _iban_end(match)
        if end:
            yield Found(Kind.IBAN, match.start(), end)
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if _CARD_SCHEMES.fullmatch(digits) and len(set(digits)) > 1 and luhn.is_valid(digits):
            yield Found(Kind.CARD, *match.span())


def _national_ids(text: str) -> Iterator[Found]:
    for kind in _NATIONAL_IDS:
        for match in kind.shape.finditer(text):
            near = text[max(0, match.start() - _NEAR) : match.end() + _NEAR]
            if (kind.said is None or kind.said.search(near)) and kind.valid(match.group()):
                yield Found(Kind.NATIONAL_ID, *match.span())


def _iban_end(match: re.Match[str]) -> int:
    """Where the number ends: words may follow it that could belong to it. 0 where it is none."""
    said = match.group()
    for end in range(len(said), 14, -1):
        if said[end - 1] != " " and (end == len(said) or not said[end].isalnum() or said[end - 1 : end + 1].isalpha()):
            compact = said[:end].replace(" ", "")
            if iban.is_valid(compact):
                return match.start() + end
    return 0
