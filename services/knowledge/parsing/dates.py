"""How old a file is, by what it says of itself."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time

# A program that doesn't know the time writes the start of its clock.
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
# Of python-docx and python-pptx: what is made with them has it unless somebody says otherwise.
_OF_TEMPLATES = frozenset((datetime(2013, 12, 23, 23, 15, tzinfo=UTC), datetime(2013, 1, 27, 9, 14, 16, tzinfo=UTC)))
_PDF = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-]\d\d)'?(\d\d)?'?)?")
_YEAR_OR_MONTH = re.compile(r"(\d{4})(?:-(\d\d))?")


def plausible(instant: datetime | None, latest: datetime) -> datetime | None:
    """The instant, unless it is made up: before 1970, a template's, or after `latest`."""
    instant = instant_of(instant)
    if instant is None or instant in _OF_TEMPLATES:
        return None
    return instant if _EARLIEST <= instant <= latest else None


def first_instant(values: Iterable[object]) -> datetime | None:
    """The first of the values that is an instant, as `instant_of` reads them."""
    return next((found for value in values if (found := instant_of(value))), None)


def instant_of(value: object) -> datetime | None:
    """An ISO 8601 date, a year or a month, or what a format's reader made a date of; what names no zone is UTC."""
    try:
        if isinstance(value, str):
            text = value.strip()
            if short := _YEAR_OR_MONTH.fullmatch(text):
                value = date(int(short[1]), int(short[2] or 1), 1)
            else:
                value = datetime.fromisoformat(text)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time.min)
        if not isinstance(value, datetime):
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def pdf_instant(text: str) -> datetime | None:
    """A date as PDF writes it: `D:20260131093000+01'00'`; what is left out is the first of its kind."""
    found = _PDF.fullmatch(text.strip().rstrip("\x00"))
    if not found:
        return None
    year, month, day, hour, minute, second, zulu, zone_hours, zone_minutes = found.groups()
    zone = "+00:00" if zulu or not zone_hours else f"{zone_hours}:{zone_minutes or '00'}"
    return instant_of(f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}{zone}")
