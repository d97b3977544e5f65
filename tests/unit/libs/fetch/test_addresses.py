import pytest

from libs.fetch.addresses import is_allowed, networks

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
REFUSED = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.1", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
    *("255.255.255.255", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "192.0.0.8"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "100::1"),
    *("2001:db8::1", "3fff::1", "5f00::1", "2001:20::1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1"),
    *("::7f00:1", "2002:7f00:1::", "2002:808:808::", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::7f00:1"),
    *("2001:0:808:808::f5ff:fffe", "::ffff:0:127.0.0.1", "not an address", ""),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_fetched_from(address: str):
    assert is_allowed(address)


@pytest.mark.parametrize("address", REFUSED)
def test_no_address_inside_a_network_may_in_whatever_form(address: str):
    assert not is_allowed(address)


def test_an_operator_opens_a_network_in_each_of_its_forms():
    allowed = networks(["10.1.0.0/16", "fd12::/16"])
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1"):
        assert is_allowed(address, allowed)
    for address in ("10.2.0.1", "fd13::1", "127.0.0.1"):
        assert not is_allowed(address, allowed)


def test_a_network_with_host_bits_is_refused_by_name():
    with pytest.raises(ValueError, match="host bits"):
        networks(["10.0.0.1/8"])
