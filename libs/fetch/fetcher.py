"""Fetches a web page into a file, safely: never from inside the network, never more or longer than said.

Every connection goes through `CheckedBackend`; redirects are followed here, each read and checked anew. Proxies from
the environment, cookies and credentials take no part.
"""

import asyncio
import io
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import IO

import httpcore

from libs.fetch.addresses import Network
from libs.fetch.connecting import CheckedBackend, Resolve, resolve
from libs.fetch.decoding import ACCEPTED, decoder_for
from libs.fetch.errors import FetchError, PageStatusError, RobotsDisallowError, TooLargeError
from libs.fetch.robots import MAX_BYTES as ROBOTS_MAX_BYTES
from libs.fetch.robots import Robots
from libs.fetch.urls import WebAddress, parse_url, resolved

AGENT = "FootnoteBot"
USER_AGENT = f"{AGENT}/0.1 (fetches pages that its users name; respects robots.txt)"
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
OK = 200
SILENCE_S = 10.0


@dataclass(frozen=True)
class Fetched:
    """`url` is where the redirects ended; `media_type` and `charset` are what the host says, "" where it doesn't."""

    url: WebAddress
    media_type: str
    charset: str
    size_bytes: int


class Fetcher:
    """`allowed_networks` opens private networks; `ports` are all that may be connected to."""

    def __init__(
        self,
        *,
        timeout_s: float,
        ports: Sequence[int] = (80, 443),
        allowed_networks: Sequence[Network] = (),
        resolve: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._ports = frozenset(ports)
        self._backend = CheckedBackend(allowed_networks, resolve)
        self._ssl_context = ssl_context or httpcore.default_ssl_context()
        self._robots = Robots(AGENT, self._read_robots)

    async def fetch(self, url: str, into: IO[bytes], max_bytes: int) -> Fetched:
        """Writes the page's content, unpacked, to `into`. Raises FetchError, whatever goes wrong."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._follow(parse_url(url), into, max_bytes, obey_robots=True)
        except TimeoutError as error:
            raise FetchError(f"{url!r} didn't arrive within {self._timeout_s:g} s. Try again later.") from error

    async def delay_s(self, url: WebAddress) -> float:
        """Seconds between two visits that the site asks for."""
        return await self._robots.delay_s(url)

    async def _read_robots(self, address: WebAddress) -> bytes:
        content = io.BytesIO()
        with suppress(TooLargeError):  # The rules up to the limit hold.
            await self._follow(address, content, ROBOTS_MAX_BYTES, obey_robots=False)
        return content.getvalue()

    async def _follow(self, address: WebAddress, into: IO[bytes], max_bytes: int, *, obey_robots: bool) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            if address.port not in self._ports:
                allowed = ", ".join(map(str, sorted(self._ports)))
                raise FetchError(f"{str(address)!r} is on port {address.port}. Pages are fetched from {allowed} only.")
            if obey_robots and not await self._robots.allows(address):
                raise RobotsDisallowError(f"The robots.txt of {address.origin!r} asks not to fetch {str(address)!r}.")
            async with self._answer(address) as response:
                headers = _headers(response)
                if response.status in REDIRECTS and "location" in headers:
                    address = resolved(address, headers["location"])
                    continue
                if response.status != OK:
                    raise PageStatusError(str(address), response.status)
                return await _receive(address, response, headers, into, max_bytes)
        raise FetchError(f"{str(address)!r} comes after {MAX_REDIRECTS} redirects and more. Give the last address.")

    @asynccontextmanager
    async def _answer(self, address: WebAddress) -> AsyncGenerator[httpcore.Response]:
        timeouts = {"connect": SILENCE_S, "read": SILENCE_S, "write": SILENCE_S, "pool": SILENCE_S}
        url = httpcore.URL(
            scheme=address.scheme.encode(),
            host=address.host.encode(),
            port=address.port,
            target=address.target.encode("ascii"),
        )
        headers = [("Host", address.authority), ("User-Agent", USER_AGENT), ("Accept-Encoding", ACCEPTED)]
        async with httpcore.AsyncConnectionPool(ssl_context=self._ssl_context, network_backend=self._backend) as pool:
            try:
                async with pool.stream("GET", url, headers=headers, extensions={"timeout": timeouts}) as response:
                    yield response
            except httpcore.TimeoutException as error:
                raise FetchError(f"{str(address)!r} stopped answering for {SILENCE_S:g} s. Try again later.") from error
            except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
                raise FetchError(f"{str(address)!r} couldn't be fetched ({type(error).__name__}). Check it.") from error


async def _receive(
    address: WebAddress, response: httpcore.Response, headers: dict[str, str], into: IO[bytes], max_bytes: int
) -> Fetched:
    said = headers.get("content-length", "")
    if said.isdigit() and int(said) > max_bytes:
        raise _too_large(address, max_bytes)
    decoder = decoder_for(headers.get("content-encoding", ""))
    size = 0
    async for received in response.aiter_stream():
        for piece in decoder.feed(received):
            size += len(piece)
            if size > max_bytes:
                raise _too_large(address, max_bytes)
            await asyncio.to_thread(into.write, piece)
    decoder.finish()
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    return Fetched(address, media_type.strip().lower(), _charset(parameters), size)


def _too_large(address: WebAddress, max_bytes: int) -> TooLargeError:
    return TooLargeError(f"{str(address)!r} has more than {max_bytes:,} bytes.")


def _headers(response: httpcore.Response) -> dict[str, str]:
    """By lower-case name; of several with one name, joined as HTTP reads them."""
    found: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("ascii", "replace").lower(), raw_value.decode("utf-8", "replace").strip()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'").lower()[:40]
    return ""
