"""Web addresses, read strictly: one reading, which is also the one that is connected to."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote, urljoin, urlsplit

import idna

from libs.fetch.errors import FetchError

MAX_CHARS = 2_000
HOST_MAX_CHARS = 253
DEFAULT_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
# What a browser would read as an IPv4 address: its last label is a number, in any base.
_ENDS_IN_A_NUMBER = re.compile(r"(^|\.)(\d+|0[xX][0-9a-fA-F]*)\.?$")
_PLAIN_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_SAFE = "/%:@!$&'()*+,;=~-._"


@dataclass(frozen=True)
class WebAddress:
    """`host` is ASCII and lower case, an IPv6 address without its brackets; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def authority(self) -> str:
        """The Host header's value."""
        return self.origin.partition("://")[2]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def __str__(self) -> str:
        return self.origin + self.target


def parse_url(text: str) -> WebAddress:
    """The address without its fragment. Raises FetchError, which says what is wrong with it."""
    if len(text) > MAX_CHARS:
        raise FetchError(f"The address has more than {MAX_CHARS:,} characters. Give a shorter one.")
    if _FORBIDDEN.search(text):
        raise FetchError(f"{text!r} isn't a web address: it holds a space, a control character or a backslash.")
    try:
        parts = urlsplit(text)
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        raise FetchError(f"{text!r} isn't a web address: {error}.") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise FetchError(f"{text!r} isn't a web address. Give one that begins with https:// or http://.")
    if not host:
        raise FetchError(f"{text!r} names no host.")
    if "@" in parts.netloc:
        raise FetchError("The address holds a user name or a password. Give one without.")
    query = f"?{quote(parts.query, safe=_SAFE + '?')}" if parts.query else ""
    target = (quote(parts.path, safe=_SAFE) or "/") + query
    return WebAddress(parts.scheme, _host(host), port or DEFAULT_PORTS[parts.scheme], target)


def resolved(base: WebAddress, reference: str) -> WebAddress:
    """Where a link or redirect on the page at `base` leads. Raises FetchError."""
    if len(reference) > MAX_CHARS:
        raise FetchError("A link or redirect leads to an address that is too long.")
    try:
        joined = urljoin(str(base), reference.strip())
    except ValueError as error:
        raise FetchError(f"A link or redirect leads to {reference[:200]!r}, which isn't a web address.") from error
    return parse_url(joined)


def _host(host: str) -> str:
    if ":" in host:
        try:
            return str(IPv6Address(host.partition("%")[0]))
        except ValueError as error:
            raise FetchError(f"{host!r} isn't an IPv6 address.") from error
    ascii_host = _ascii(host)
    if _ENDS_IN_A_NUMBER.search(ascii_host):
        try:
            return str(IPv4Address(ascii_host))
        except ValueError as error:
            raise FetchError(f"{host!r} isn't an IPv4 address. Write it as four decimal numbers.") from error
    return ascii_host


def _ascii(host: str) -> str:
    """The host as it is resolved: mapped to what a browser would make of it, then to ASCII."""
    try:
        return idna.encode(host, uts46=True).decode().lower()
    except idna.IDNAError as error:
        if len(host) <= HOST_MAX_CHARS and _PLAIN_HOST.fullmatch(host):  # names with underscores exist
            return host
        raise FetchError(f"{host!r} isn't a host name.") from error
