from ipaddress import ip_network

import pytest
from fastapi import Request

from services.gateway.addresses import client_address

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def request(peer: str, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Request({"type": "http", "headers": headers, "client": (peer, 1234)})


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9, 10.2.0.1"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.2.0.1, 10.3.0.1"], "10.2.0.1"),
        ("10.0.0.1", ["203.0.113.9, <script>"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
    ],
)
def test_the_caller_is_the_rightmost_address_that_no_trusted_proxy_has(
    peer: str, forwarded: list[str], caller: str
) -> None:
    assert client_address(request(peer, *forwarded), TRUSTED) == caller


def test_nobody_is_trusted_by_default() -> None:
    assert client_address(request("10.0.0.1", "203.0.113.9"), []) == "10.0.0.1"


def test_a_connection_without_an_address_is_counted_as_one_caller() -> None:
    assert client_address(Request({"type": "http", "headers": [], "client": None}), TRUSTED) == "unknown"
