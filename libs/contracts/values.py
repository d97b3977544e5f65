"""The values that may be said of a document, and asked for by a filter."""

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

TAG_MAX_CHARS = 120
METADATA_MAX_KEYS = 20
METADATA_MAX_CHARS = 500
INT_MAX = 2**63 - 1
# ISO 639-1.
# ruff: noqa: SIM905 - a word list is read and compared more easily as words
LANGUAGES = frozenset(
    """aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka
    kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl
    nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw
    ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu""".split()
)


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("a NUL character can't be stored")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("half of a surrogate pair can't be stored")
    return value


def _plain(value: object) -> object:
    """One error for a wrong value, where a union would give one for each of its types."""
    if isinstance(value, str):
        if len(value) > METADATA_MAX_CHARS:
            raise ValueError(f"has {len(value)} characters, at most {METADATA_MAX_CHARS} are kept")
        return _storable(value)
    if not isinstance(value, bool | int | float):
        raise ValueError("is a string, a number, true or false")  # noqa: TRY004 - pydantic makes it a 422
    if not abs(value) <= INT_MAX:
        raise ValueError(f"is a number within ±{INT_MAX}")
    return value


def _iso_639_1(value: str) -> str:
    if value not in LANGUAGES:
        raise ValueError(f"{value[:20]!r} isn't a language's ISO 639-1 code, such as 'en'")
    return value


def _instant(value: object) -> object:
    """Pydantic itself would take numbers, and digits in a string, for seconds since 1970."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError as error:
            message = f"{value[:40]!r} isn't an ISO 8601 date, such as '2026-01-31' or '2026-01-31T09:30:00Z'"
            raise ValueError(message) from error
    if not isinstance(value, dt.datetime):
        raise ValueError("is a string with an ISO 8601 date, such as '2026-01-31'")  # noqa: TRY004 - as above
    try:
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
    except OverflowError as error:
        raise ValueError("lies outside of the years 1 to 9999") from error


def _day(value: object) -> object:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("is a string with a date, such as '2026-01-31'")  # noqa: TRY004 - as above
    try:
        return dt.date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{value[:40]!r} isn't a date, such as '2026-01-31'") from error


StoredText = Annotated[str, AfterValidator(_storable)]
Tags = Annotated[list[Annotated[StoredText, Field(min_length=1, max_length=TAG_MAX_CHARS)]], Field(max_length=50)]
MetadataKey = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
MetadataValue = Annotated[str | bool | int | float, BeforeValidator(_plain)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=METADATA_MAX_KEYS)]
Language = Annotated[str, AfterValidator(_iso_639_1)]
# A date stands for its midnight, and what names no zone is UTC.
Instant = Annotated[dt.datetime, BeforeValidator(_instant)]
Day = Annotated[dt.date, BeforeValidator(_day)]
