from datetime import MAXYEAR, UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from services.billing.periods import day_of, month_of


def test_a_month_ends_where_the_next_begins() -> None:
    december = month_of(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert december.start == datetime(2026, 12, 1, tzinfo=UTC)
    assert december.end == datetime(2027, 1, 1, tzinfo=UTC)
    assert month_of(december.end).start == december.end


def test_periods_are_counted_in_utc() -> None:
    in_tokyo = datetime(2026, 3, 1, 8, 0, tzinfo=timezone(timedelta(hours=9)))
    assert month_of(in_tokyo).key.isoformat() == "2026-02-01"
    assert day_of(in_tokyo).key.isoformat() == "2026-02-28"


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda instant: instant.year < MAXYEAR))
def test_every_instant_lies_in_its_periods(instant: datetime) -> None:
    for period in (month_of(instant), day_of(instant)):
        assert period.start <= instant < period.end
    assert month_of(instant).end.day == 1
    assert day_of(instant).end - day_of(instant).start == timedelta(days=1)
