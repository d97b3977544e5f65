from datetime import UTC, datetime

import httpx
import pytest

from libs.clients.retry_after import stated_wait_s

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("1.2", 2),
        ("0", 1),
        ("3600", 60),
        ("Sun, 01 Mar 2026 12:00:17 GMT", 17),
        ("Sunday, 01-Mar-26 12:00:17 GMT", 17),
        ("Sun Mar  1 12:00:17 2026", 17),
        ("Sun, 01 Mar 2026 13:00:17 +0100", 17),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 1),
        ("Sun, 01 Mar 2027 12:00:00 GMT", 60),
        ("Sun, 99 Mar 2026 12:00:00 GMT", 2),
        ("9" * 5000, 2),
        ("-3", 2),
        ("²", 2),
        ("soon", 2),
        ("", 2),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_number_of_seconds_or_a_date(stated: str, seconds: int):
    headers = httpx.Headers({b"retry-after": stated.encode("latin-1")})
    assert stated_wait_s(headers, NOW, otherwise=2, most=60) == seconds


def test_nothing_stated():
    assert stated_wait_s(httpx.Headers(), NOW, otherwise=2, most=60) == 2
