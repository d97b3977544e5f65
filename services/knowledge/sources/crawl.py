"""The pages of a web source: the one named, and those linked from it below the same path."""

import asyncio
import html
import re
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO

from libs.fetch.errors import FetchError, PageStatusError, RobotsDisallowError, TooLargeError
from libs.fetch.fetcher import Fetched, Fetcher
from libs.fetch.urls import WebAddress, parse_url, resolved

MAX_PAGES = 200
IN_MEMORY_BYTES = 1_000_000
# Links beyond this much of a page aren't followed.
LINKS_WITHIN_BYTES = 2_000_000
GONE = frozenset({404, 410})
REFUSED = frozenset({401, 403})
# Read without a parser: a hostile page is parsed in the sandbox alone. Every part is bounded and stops at the next tag.
_HREF = r"""\s[^<>]{0,1000}?\bhref\s{0,9}=\s{0,9}(?:"([^"<>]{0,2000})"|'([^'<>]{0,2000})'|([^\s"'<>]{1,2000}))"""
_LINK = re.compile(f"<a{_HREF}", re.IGNORECASE)
_BASE = re.compile(f"<base{_HREF}", re.IGNORECASE)
_HTML = frozenset({"text/html", "application/xhtml+xml", ""})


@dataclass(frozen=True)
class Page:
    """A page as it is now; `file` holds its content until the next page is asked for."""

    fetched: Fetched
    file: IO[bytes]

    @property
    def address(self) -> str:
        return str(self.fetched.url)


@dataclass(frozen=True)
class Missing:
    """A page that couldn't be had; `gone` where its host says that there is none, `closed` where it's kept from us."""

    address: str
    reason: str
    gone: bool
    closed: bool


@dataclass(frozen=True)
class CutShort:
    """There are more pages than a visit takes."""


async def crawl(
    fetcher: Fetcher, start: str, depth: int, max_bytes: int, pause_s: float
) -> AsyncGenerator[Page | Missing | CutShort]:
    """The pages, nearest first, with at least `pause_s` between two, more where the site's robots.txt asks for it.

    Raises FetchError where the first can't be fetched.
    """
    waiting: deque[tuple[WebAddress, int]] = deque([(parse_url(start), 0)])
    seen = {str(waiting[0][0])}
    delivered: set[str] = set()
    scope: WebAddress | None = None
    asked = 0
    while waiting:
        address, away = waiting.popleft()
        if asked == MAX_PAGES:
            yield CutShort()
            return
        if asked:
            await asyncio.sleep(max(pause_s, await fetcher.delay_s(address)))
        asked += 1
        with SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
            try:
                fetched = await fetcher.fetch(str(address), file, max_bytes)
            except FetchError as error:
                if scope is None:
                    raise
                status = error.status if isinstance(error, PageStatusError) else None
                closed = isinstance(error, RobotsDisallowError | TooLargeError) or status in REFUSED
                yield Missing(str(address), str(error), status in GONE, closed)
                continue
            scope = scope or fetched.url
            found = str(fetched.url)
            if found in delivered or not _within(fetched.url, scope):
                continue
            delivered.add(found)
            yield Page(fetched, file)
            if away < depth and fetched.media_type in _HTML:
                for link in await asyncio.to_thread(_links, fetched.url, file):
                    if _within(link, scope) and str(link) not in seen:
                        seen.add(str(link))
                        waiting.append((link, away + 1))


def _within(address: WebAddress, scope: WebAddress) -> bool:
    """Of the same site, in the folder of the first page or below it."""
    return address.origin == scope.origin and address.path.startswith(scope.path.rpartition("/")[0] + "/")


def _links(page: WebAddress, file: IO[bytes]) -> list[WebAddress]:
    file.seek(0)
    text = file.read(LINKS_WITHIN_BYTES).decode("utf-8", "replace")
    stated = _BASE.search(text)
    base = (_led_to(page, stated) if stated else None) or page
    return [link for match in _LINK.finditer(text) if (link := _led_to(base, match))]


def _led_to(base: WebAddress, match: re.Match[str]) -> WebAddress | None:
    try:
        return resolved(base, html.unescape(next(filter(None, match.groups()), "")))
    except FetchError:
        return None
