"""One bucket over HTTP: listing and reading, in bounded memory and time.

Every connection goes through the backend that is given, which decides what may be connected to; redirects aren't
followed. Credentials are those given here and no others: environment, files and metadata services take no part.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import IO, Self

import httpcore
import stamina

from libs.fetch.errors import FetchError
from libs.s3.answers import Page, S3Object, parse_error, parse_page
from libs.s3.errors import S3BusyError, S3Error, S3RefusedError, S3TooLargeError, S3UnreachableError
from libs.s3.location import BucketLocation
from libs.s3.signing import Credentials, UnsignedRequest, encoded_path, encoded_query, signed_headers

SILENCE_S = 10.0
# A page names at most 1,000 keys of at most 1,024 bytes, which encoding makes up to three times as long.
PAGE_MAX_BYTES = 8_000_000
PAGE_MAX_S = 60.0
OBJECT_MAX_S = 900.0
ERROR_MAX_BYTES = 65_536
ATTEMPTS = 3
OK = 200
_BUSY = frozenset({429, 500, 502, 503, 504})
_WORDS = {
    "AccessDenied": "The credentials may not do that. Let them list the bucket and read its objects.",
    "InvalidAccessKeyId": "The access key isn't known there. Check the credentials.",
    "SignatureDoesNotMatch": "The secret key isn't the access key's. Check the credentials.",
    "NoSuchBucket": "There is no such bucket. Check its name and the endpoint.",
    "NoSuchKey": "The object is gone.",
    "InvalidObjectState": "The object is archived. Restore it first.",
}


class Bucket:
    """An async context manager. Its methods raise S3Error, whatever goes wrong."""

    def __init__(
        self,
        location: BucketLocation,
        credentials: Credentials,
        backend: httpcore.AsyncNetworkBackend,
        *,
        ssl_context: ssl.SSLContext | None = None,
        silence_s: float = SILENCE_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._location = location
        self._credentials = credentials
        self._silence_s = silence_s
        self._now = now
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or httpcore.default_ssl_context(), max_connections=2, network_backend=backend
        )

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.__aexit__(kind, error, trace)

    async def objects(self, prefix: str, at_most: int) -> AsyncGenerator[S3Object]:
        """Every object whose key begins with `prefix`. Raises S3TooLargeError where there are more than `at_most`."""
        token: str | None = None
        count = 0
        while True:
            page = await self._page(prefix, token)
            for found in page.objects:
                if not found.key.startswith(prefix):
                    raise S3Error("The listing names keys that weren't asked for. Check the endpoint.")
                count += 1
                if count > at_most:
                    raise S3TooLargeError(f"There are more than {at_most:,} objects. Name a longer prefix.")
                yield found
            if page.next_token is None:
                return
            if page.next_token == token or not page.objects:
                raise S3Error("The listing doesn't come to an end. Check the endpoint.")
            token = page.next_token

    async def read(self, key: str, into: IO[bytes], max_bytes: int) -> S3Object:
        """Writes the object's bytes to `into` and returns what the answer says of it: one content, never two mixed."""
        try:
            async with asyncio.timeout(OBJECT_MAX_S):
                async for attempt in stamina.retry_context(on=S3BusyError, attempts=ATTEMPTS, wait_initial=0.2):
                    with attempt:
                        async with self._answer("GET", key) as (response, headers):
                            return await _receive(key, response, headers, into, max_bytes)
        except TimeoutError as error:
            raise S3UnreachableError(f"It didn't arrive within {OBJECT_MAX_S:g} s.") from error
        raise AssertionError("stamina ends by returning or raising")

    async def _page(self, prefix: str, token: str | None) -> Page:
        query = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", "1000"), ("prefix", prefix)]
        if token is not None:
            query.append(("continuation-token", token))
        try:
            async with asyncio.timeout(PAGE_MAX_S):
                async for attempt in stamina.retry_context(on=S3BusyError, attempts=ATTEMPTS, wait_initial=0.2):
                    with attempt:
                        async with self._answer("GET", "", query) as (response, _):
                            body = await _body(response, PAGE_MAX_BYTES)
                        return await asyncio.to_thread(parse_page, body)
        except TimeoutError as error:
            raise S3UnreachableError(f"The listing didn't arrive within {PAGE_MAX_S:g} s.") from error
        raise AssertionError("stamina ends by returning or raising")

    @asynccontextmanager
    async def _answer(
        self, method: str, key: str, query: Sequence[tuple[str, str]] = ()
    ) -> AsyncGenerator[tuple[httpcore.Response, dict[str, str]]]:
        address = self._location.address
        path, text = encoded_path(f"{self._location.path}/{key}"), encoded_query(query)
        request = UnsignedRequest(method, address.authority, path, text)
        headers = signed_headers(request, self._credentials, self._location.region, self._now())
        url = httpcore.URL(
            scheme=address.scheme.encode(),
            host=address.host.encode(),
            port=address.port,
            target=f"{path}?{text}".encode() if text else path.encode(),
        )
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._silence_s)
        try:
            async with self._pool.stream(method, url, headers=headers, extensions={"timeout": timeouts}) as response:
                answered = _headers(response)
                if response.status != OK:
                    raise _refusal(response.status, answered, await _body(response, ERROR_MAX_BYTES))
                yield response, answered
        except FetchError as error:
            raise S3UnreachableError(str(error)) from error
        except httpcore.TimeoutException as error:
            raise S3UnreachableError(f"{address.origin!r} stopped answering for {self._silence_s:g} s.") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            message = f"{address.origin!r} couldn't be read from ({type(error).__name__}). Check the endpoint."
            raise S3UnreachableError(message) from error


async def _body(response: httpcore.Response, max_bytes: int) -> bytes:
    received = bytearray()
    async for piece in response.aiter_stream():
        received += piece
        if len(received) > max_bytes:
            raise S3Error("The answer is larger than S3 ever gives. Check the endpoint.")
    return bytes(received)


async def _receive(
    key: str, response: httpcore.Response, headers: dict[str, str], into: IO[bytes], max_bytes: int
) -> S3Object:
    size = 0
    async for piece in response.aiter_stream():
        size += len(piece)
        if size > max_bytes:
            raise S3TooLargeError(f"It has more than {max_bytes:,} bytes.")
        await asyncio.to_thread(into.write, piece)
    try:
        last_modified = parsedate_to_datetime(headers["last-modified"])
    except (KeyError, ValueError) as error:
        raise S3Error("The answer doesn't say when the object was changed. Check the endpoint.") from error
    return S3Object(key, size, headers.get("etag", "").strip('"'), last_modified)


def _headers(response: httpcore.Response) -> dict[str, str]:
    return {
        name.decode("ascii", "replace").lower(): value.decode("ascii", "replace") for name, value in response.headers
    }


def _refusal(status: int, headers: dict[str, str], body: bytes) -> S3RefusedError:
    said = parse_error(body)
    region = said.region or headers.get("x-amz-bucket-region", "")[:40]
    if (
        said.code in {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
        and region
    ):
        message = f"The bucket is in the region {region!r}. Name the source with that."
    else:
        reason = f"{status} {said.code}".rstrip()
        message = f"It answered {reason}. {_WORDS.get(said.code, 'Check the source.')}"
    kind = S3BusyError if status in _BUSY else S3RefusedError
    return kind(message, status, said.code)
