"""The dates of a text, each as one value: 2024-03-04, 3/4/2024, 04.03.2024, 4 March 2024, March 2024."""

import re
from collections.abc import Collection, Generator
from dataclasses import dataclass, field

from libs.text.stems import ENGLISH, language_read, stem

_MONTHS = {
    language: {name: month for month, names in enumerate(listed.split(), start=1) for name in names.split("/")}
    for language, listed in {
        "en": """january/jan february/feb march/mar april/apr may june/jun july/jul august/aug september/sept/sep
        october/oct november/nov december/dec""",
        "de": """januar/jänner/jan februar/feb märz/mär april/apr mai juni/jun juli/jul august/aug september/sept/sep
        oktober/okt november/nov dezember/dez""",
        "es": """enero/ene febrero/feb marzo/mar abril/abr mayo/may junio/jun julio/jul agosto/ago
        septiembre/setiembre/sept/sep octubre/oct noviembre/nov diciembre/dic""",
        "fr": """janvier/janv février/févr mars avril/avr mai juin juillet/juil août septembre/sept octobre/oct
        novembre/nov décembre/déc""",
        "it": """gennaio/gen febbraio/feb marzo/mar aprile/apr maggio/mag giugno/giu luglio/lug agosto/ago
        settembre/sett/set ottobre/ott novembre/nov dicembre/dic""",
        "nl": """januari/jan februari/feb maart/mrt april/apr mei juni/jun juli/jul augustus/aug september/sept/sep
        oktober/okt november/nov december/dec""",
        "pt": """janeiro/jan fevereiro/fev março/mar abril/abr maio/mai junho/jun julho/jul agosto/ago setembro/set
        outubro/out novembro/nov dezembro/dez""",
    }.items()
}
_MONTH = r"(?P<month>[^\W\d_]{3,10})\b\.?"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th|er|\.|º)?"
_BETWEEN_DAYS = r"\s?(?:[-–—,/&]|to|until|and|or|bis|und|à|au|et|a|al|y|e|tot|en)\s?"
# A longer list of days has more numbers than dates; without an end the search takes quadratic time.
_MOST_DAYS_LISTED = 8
_YEAR = r"(?P<year>[12]\d{3})\b"
_DIGITAL = re.compile(
    r"(?<![\w./-])(?:(?P<iso>(?P<y>[12]\d{3})[-/](?P<m>\d{1,2})[-/](?P<d>\d{1,2}))"
    r"|(?P<one>\d{1,2})(?P<sign>[/.-])(?P<two>\d{1,2})(?P=sign)(?P<last>[12]\d{3}|(?<=/)\d{2}))"
    r"(?:(?![\w/-]|\.\d)|(?=T\d\d:))"
)
_DAY_FIRST = re.compile(
    rf"(?<![\w.,/-])(?P<days>(?:{_DAY}{_BETWEEN_DAYS}){{0,{_MOST_DAYS_LISTED - 1}}}{_DAY})\s?(?:(?:of|de)\s)?{_MONTH}"
    rf"(?:,?\s(?:(?:of|de|del)\s)?{_YEAR})?",
    re.IGNORECASE,
)
# "May 5 and 6", but not "on May 5 and 6 people".
_AND_DAY = rf"\s?(?:and|or|&)\s?{_DAY}(?=\s*(?:[.;!?)]|,\s[12]\d{{3}}|$))"
_MONTH_FIRST = re.compile(
    rf"(?<!\w){_MONTH}\s(?:the\s)?(?P<days>{_DAY}(?:\s?(?:[-–—]|to|until|through)\s?{_DAY}|{_AND_DAY})?)"
    rf"(?![\w%]|[.,:]\d)(?:,?\s(?:of\s)?{_YEAR})?",
    re.IGNORECASE,
)
_MONTH_ALONE = re.compile(rf"(?<!\w){_MONTH},?\s(?:(?:of|de|del)\s)?{_YEAR}", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_MONTHS_OF_YEAR = 12
_DAYS_OF_MONTH = 31
# 3/4/69 is of this century and 3/4/70 of the last.
_CENTURY_TURNS = 70

# Year, month and day, 0 where it has none.
Parts = tuple[int, int, int]


@dataclass(frozen=True)
class Date:
    """One date: `day_first` and `month_first` differ where 3/4/2024 may be read both ways.

    `parts` are the numbers that it is written with.
    """

    day_first: Parts
    month_first: Parts
    parts: frozenset[str] = field(default=frozenset(), compare=False)

    def __str__(self) -> str:
        return "-".join(f"{part:02}" for part in self.day_first if part)

    def is_said_by(self, other: "Date", numbers: Collection[str]) -> bool:
        """Whether the other is the same in all that both have; what only this one has must be among the numbers."""
        readings = ((self.day_first, other.day_first), (self.month_first, other.month_first))
        return any(
            all(
                not mine or mine == theirs or (not theirs and str(mine) in numbers)
                for mine, theirs in zip(one, another, strict=True)
            )
            for one, another in readings
        )


def dates_of(text: str) -> tuple[frozenset[Date], str]:
    """The dates, and the text without them."""
    if not _DIGIT.search(text):
        return frozenset(), text
    found: set[Date] = set()

    def take(match: re.Match[str]) -> str:
        dates = list(_digital(match) if match.re is _DIGITAL else _written(match))
        found.update(dates)
        return " " if dates else match.group()

    for pattern in (_DIGITAL, _DAY_FIRST, _MONTH_FIRST, _MONTH_ALONE):
        text = pattern.sub(take, text)
    return frozenset(found), text


def _digital(match: re.Match[str]) -> Generator[Date]:
    if match["iso"]:
        read = int(match["y"]), int(match["m"]), int(match["d"])
        readings = read, read
        written = match["y"], match["m"], match["d"]
    else:
        one, two, last = match["one"], match["two"], match["last"]
        year = int(last) if len(last) > 2 else int(last) + (2000 if int(last) < _CENTURY_TURNS else 1900)  # noqa: PLR2004 - digits
        day_first, month_first = (year, int(two), int(one)), (year, int(one), int(two))
        # With full stops the day is always first.
        if match["sign"] == "." or not _exists(month_first):
            month_first = day_first
        readings = day_first if _exists(day_first) else month_first, month_first
        written = one, two, last
    if all(map(_exists, readings)):
        yield Date(*readings, frozenset(str(int(part)) for part in written))


def _exists(read: Parts) -> bool:
    return 1 <= read[1] <= _MONTHS_OF_YEAR and 1 <= read[2] <= _DAYS_OF_MONTH


def _written(match: re.Match[str]) -> Generator[Date]:
    month = month_of(match["month"])
    if not month:
        return
    year = int(match["year"] or 0)
    days = [int(day) for day in re.findall(r"\d+", match["days"])] if "days" in match.re.groupindex else [0]
    for day in days:
        read = year, month, day
        yield Date(read, read, frozenset(str(part) for part in (year, day) if part))


def month_of(word: str) -> int | None:
    """The number of the month that a word names in English or the language that is read."""
    folded, language = word.casefold(), language_read()
    # "You may" and "to march" are no months.
    english = _MONTHS[ENGLISH].get(folded) if word[0].isupper() else None
    return english or (_MONTHS[language].get(folded) if language != ENGLISH else None)


def month_stems() -> frozenset[str]:
    """Of the months' names, in English and the language that is read."""
    return frozenset(stem(name) for language in {ENGLISH, language_read()} for name in _MONTHS[language])
