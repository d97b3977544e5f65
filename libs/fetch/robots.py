"""robots.txt, as RFC 9309 reads it: kept for an hour, by origin."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from protego import Protego

from libs.fetch.errors import AddressRefusedError, FetchError, PageStatusError
from libs.fetch.urls import WebAddress, resolved

# RFC 9309, section 2.5.
MAX_BYTES = 512_000
KEPT_S = 3600.0
ORIGINS_KEPT = 1_000
# A page of a site that asks for more would take longer than a visit may.
LONGEST_DELAY_S = 10.0
CLIENT_ERRORS = range(400, 500)

ALLOW_ALL = ""
DISALLOW_ALL = "User-agent: *\nDisallow: /"

Read = Callable[[WebAddress], Awaitable[bytes]]


class Robots:
    """`read` fetches a robots.txt, redirects followed."""

    def __init__(self, agent: str, read: Read) -> None:
        self._agent = agent
        self._read = read
        self._known: OrderedDict[str, tuple[Protego, float]] = OrderedDict()

    async def allows(self, address: WebAddress) -> bool:
        """Raises AddressRefusedError where the host can't be fetched from at all."""
        if address.path == "/robots.txt":
            return True
        rules = await self._rules(address)
        return rules.can_fetch(str(address), self._agent)

    async def delay_s(self, address: WebAddress) -> float:
        """Seconds between two visits that the site asks for, within reason."""
        return min((await self._rules(address)).crawl_delay(self._agent) or 0.0, LONGEST_DELAY_S)

    async def _rules(self, address: WebAddress) -> Protego:
        known = self._known.get(address.origin)
        now = time.monotonic()
        if known and now < known[1]:
            return known[0]
        text = await self._text(resolved(address, "/robots.txt"))
        rules = await asyncio.to_thread(Protego.parse, text)
        self._known[address.origin] = (rules, now + KEPT_S)
        self._known.move_to_end(address.origin)
        if len(self._known) > ORIGINS_KEPT:
            self._known.popitem(last=False)
        return rules

    async def _text(self, address: WebAddress) -> str:
        """A site without one allows all; one that can't tell allows nothing (section 2.3.1)."""
        try:
            content = await self._read(address)
        except AddressRefusedError:
            raise
        except PageStatusError as error:
            return ALLOW_ALL if error.status in CLIENT_ERRORS else DISALLOW_ALL
        except FetchError:
            return DISALLOW_ALL
        return content.decode("utf-8", "replace").removeprefix("\ufeff")
