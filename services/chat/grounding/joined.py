"""Two numbers that are one value together: 14:30, 14h30 and 2:30 pm, a ratio 3:1, a fraction or a season 3/4."""

import re
from dataclasses import dataclass, field

_TIME = re.compile(
    r"(?:(?<![\w.,:/])|(?<=\bT))(?P<hour>[01]?\d|2[0-4])"
    r"(?:(?P<sign>[:.]|\s?h\s?)(?P<minute>[0-5]\d)(?::00(?:\.0+)?)?)?"
    r"(?:\s?(?P<half>[ap])(?:\.m\.|m\b)|\s?(?P<clock>uhr\b|o['’]clock\b)|(?=Z\b)|(?![\w:/]|\.\d))",
    re.IGNORECASE,
)
_PAIR = re.compile(r"(?<![\w.,:/])(?P<one>\d{1,4})\s?(?P<sign>[:/])\s?(?P<other>\d{1,4})(?![\w:/]|[.,]\d)")
_DIGIT = re.compile(r"\d")
_HALF_A_DAY = 12


@dataclass(frozen=True)
class Joined:
    """`readings` are the values that it may have, `parts` the numbers that it is written with.

    A time's values are minutes of a day, two where it may be of the morning or the evening.
    """

    sign: str
    readings: frozenset[tuple[int, int]]
    parts: frozenset[str] = field(default=frozenset(), compare=False)

    def __str__(self) -> str:
        return self.sign.join(f"{part:02}" for part in min(self.readings))


def joined_of(text: str) -> tuple[frozenset[Joined], str]:
    """The times, ratios and fractions, and the text without them. Dates must have been taken out."""
    if not _DIGIT.search(text):
        return frozenset(), text
    found: set[Joined] = set()

    def take(match: re.Match[str]) -> str:
        one = _time(match) if match.re is _TIME else _pair(match)
        if one:
            found.add(one)
        return " " if one else match.group()

    for pattern in (_TIME, _PAIR):
        text = pattern.sub(take, text)
    return frozenset(found), text


def _time(match: re.Match[str]) -> Joined | None:
    hour, minute, half = int(match["hour"]), int(match["minute"] or 0), (match["half"] or "").casefold()
    # "4.30" is a number unless it is said to be a time.
    told = half or match["clock"]
    if not told and match["sign"] in (None, "."):
        return None
    if half and not 1 <= hour <= _HALF_A_DAY:
        return None
    if half:
        hours = {hour % _HALF_A_DAY + (_HALF_A_DAY if half == "p" else 0)}
    elif 1 <= hour <= _HALF_A_DAY and not match["hour"].startswith("0"):
        hours = {hour % _HALF_A_DAY, hour % _HALF_A_DAY + _HALF_A_DAY}
    else:
        hours = {hour % 24}
    parts = {str(hour), *([str(minute)] if minute else [])}
    return Joined(":", frozenset((one, minute) for one in hours), frozenset(parts))


def _pair(match: re.Match[str]) -> Joined:
    pair = int(match["one"]), int(match["other"])
    return Joined(match["sign"], frozenset({pair}), frozenset(map(str, pair)))
