from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from services.knowledge.parsing.dates import first_instant, instant_of, pdf_instant, plausible

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "instant"),
    [
        ("2020", datetime(2020, 1, 1, tzinfo=UTC)),
        ("2020-06", datetime(2020, 6, 1, tzinfo=UTC)),
        (" 2020-06-07 ", datetime(2020, 6, 7, tzinfo=UTC)),
        ("2020-06-07T08:09:10Z", datetime(2020, 6, 7, 8, 9, 10, tzinfo=UTC)),
        (date(2020, 6, 7), datetime(2020, 6, 7, tzinfo=UTC)),
        (datetime(2020, 6, 7, 8, tzinfo=timezone(timedelta(hours=2))), datetime(2020, 6, 7, 6, tzinfo=UTC)),
        ("2020-13", None),
        ("last week", None),
        ("", None),
        (None, None),
        (["2020-01-01"], None),
        (1591516800, None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_dates_as_files_have_them(said: object, instant: datetime | None):
    assert instant_of(said) == instant


@pytest.mark.parametrize(
    ("said", "instant"),
    [
        ("D:20260131093000+01'00'", datetime(2026, 1, 31, 8, 30, tzinfo=UTC)),
        ("D:20260131093000-0530", datetime(2026, 1, 31, 15, tzinfo=UTC)),
        ("D:20260131093000Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("20260131", datetime(2026, 1, 31, tzinfo=UTC)),
        ("D:2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("D:20261331", None),
        ("31 January 2026", None),
        ("", None),
    ],
)
def test_dates_of_pdfs(said: str, instant: datetime | None):
    assert pdf_instant(said) == instant


@pytest.mark.parametrize(
    "made_up",
    [
        None,
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1601, 1, 1, tzinfo=UTC),
        datetime(2013, 12, 23, 23, 15, tzinfo=UTC),
        NOW + timedelta(seconds=1),
    ],
)
def test_what_no_file_can_be_as_old_as(made_up: datetime | None):
    assert plausible(made_up, NOW) is None


def test_the_rest_is_believed():
    assert plausible(NOW - timedelta(days=1), NOW) == NOW - timedelta(days=1)
    assert plausible(datetime(2020, 1, 1), NOW) == datetime(2020, 1, 1, tzinfo=UTC)  # noqa: DTZ001 - forged
    assert first_instant(["?", None, "2020"]) == datetime(2020, 1, 1, tzinfo=UTC)
