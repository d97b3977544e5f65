"""An S3 server over HTTP that keeps buckets in memory, checks signatures by itself, and breaks where it is told to.

Written from Amazon's API reference, apart from the client: a public server for tests needs botocore, which can't be
installed beside what is pinned here.
"""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote_to_bytes
from xml.sax.saxutils import escape

from tests.loopback import serving

ACCESS_KEY = "AKFOOTNOTE"
SECRET_KEY = "a/secret+key"
PAGE = 1_000
PIECE = 65_536
START = datetime(2026, 1, 1, tzinfo=UTC)
XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"

Send = Callable[[dict[str, Any]], Awaitable[None]]
Break = Callable[["Answer"], Awaitable[None]]


@dataclass(frozen=True)
class Stored:
    content: bytes
    last_modified: datetime

    @property
    def etag(self) -> str:
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()


@dataclass
class Answer:
    send: Send

    async def begin(self, status: int, headers: dict[str, str]) -> None:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": raw})

    async def body(self, content: bytes, *, more: bool = False) -> None:
        await self.send({"type": "http.response.body", "body": content, "more_body": more})

    async def whole(self, status: int, content: bytes = b"", **headers: str) -> None:
        await self.begin(status, {"content-length": str(len(content)), **headers})
        await self.body(content)

    async def error(self, status: int, code: str) -> None:
        await self.whole(status, f"<Error><Code>{code}</Code><Message>never shown</Message></Error>".encode())


@dataclass
class S3Server:
    """`broken` answers in place of the server for a key, or for listings under the key ""."""

    objects: dict[str, dict[str, Stored]] = field(default_factory=lambda: {"reports": {}})
    broken: dict[str, Break] = field(default_factory=dict[str, Break])
    asked: list[str] = field(default_factory=list[str])
    encodes_keys: bool = True
    url: str = ""
    _clock: int = 0

    def empty(self) -> None:
        """As it was at the start."""
        self.objects = {"reports": {}}
        self._clock = 0
        self.broken.clear()
        self.asked.clear()

    def put(self, key: str, content: bytes | str, bucket: str = "reports") -> None:
        self._clock += 1
        content = content.encode() if isinstance(content, str) else content
        self.objects[bucket][key] = Stored(content, START + timedelta(seconds=self._clock))

    def delete(self, key: str, bucket: str = "reports") -> None:
        del self.objects[bucket][key]

    async def __call__(self, scope: dict[str, Any], _receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = Answer(send)
        refusal = _refusal(scope)
        bucket, _, key = unquote_to_bytes(scope["raw_path"]).decode("utf-8", "surrogateescape")[1:].partition("/")
        self.asked.append(key)
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        if refusal:
            await answer.error(403, refusal)
        elif key in self.broken:
            await self.broken[key](answer)
        elif bucket not in self.objects:
            await answer.error(404, "NoSuchBucket")
        elif key:
            await self._give(answer, bucket, key)
        else:
            await self._list(answer, bucket, query)

    async def _give(self, answer: Answer, bucket: str, key: str) -> None:
        stored = self.objects[bucket].get(key)
        if stored is None:
            await answer.error(404, "NoSuchKey")
            return
        await answer.begin(200, headers_of(stored))
        for start in range(0, len(stored.content), PIECE):
            await answer.body(stored.content[start : start + PIECE], more=True)
        await answer.body(b"")

    async def _list(self, answer: Answer, bucket: str, query: dict[str, str]) -> None:
        after = query.get("continuation-token", "")
        keys = sorted(key for key in self.objects[bucket] if key.startswith(query["prefix"]) and key > after)
        page = keys[:PAGE]
        rows = "".join(self._row(bucket, key) for key in page)
        more = len(keys) > PAGE
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        encoding = "<EncodingType>url</EncodingType>" if self.encodes_keys else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        await answer.whole(
            200, f'<ListBucketResult xmlns="{XMLNS}">{truncated}{encoding}{token}{rows}</ListBucketResult>'.encode()
        )

    def _row(self, bucket: str, key: str) -> str:
        stored = self.objects[bucket][key]
        name = quote_plus(key.encode("utf-8", "surrogateescape")) if self.encodes_keys else escape(key)
        return (
            f"<Contents><Key>{name}</Key><LastModified>{stored.last_modified:%Y-%m-%dT%H:%M:%S}.123Z</LastModified>"
            f"<ETag>&quot;{stored.etag}&quot;</ETag><Size>{len(stored.content)}</Size>"
            "<Owner><ID>x</ID></Owner></Contents>"
        )


def headers_of(stored: Stored) -> dict[str, str]:
    return {
        "content-length": str(len(stored.content)),
        "etag": f'"{stored.etag}"',
        "last-modified": format_datetime(stored.last_modified, usegmt=True),
    }


async def hang(_answer: Answer) -> None:
    await asyncio.Event().wait()


def refusing(status: int, code: str) -> Break:
    return lambda answer: answer.error(status, code)


def _refusal(scope: dict[str, Any]) -> str:
    """The code of the error with which the request's signature is refused; "" where it is right."""
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    fields = dict(
        part.strip().split("=", 1) for part in headers.get("authorization", "").partition(" ")[2].split(",") if part
    )
    if not fields:
        return "AccessDenied"
    access_key, day, region, service, end = fields["Credential"].split("/")
    if access_key != ACCESS_KEY:
        return "InvalidAccessKeyId"
    names = fields["SignedHeaders"].split(";")
    path = quote(unquote_to_bytes(scope["raw_path"]), safe="/~")
    pairs = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
    )
    lines = [scope["method"], path, "&".join(f"{name}={value}" for name, value in pairs)]
    lines += [f"{name}:{headers[name]}" for name in names]
    lines += ["", ";".join(names), headers["x-amz-content-sha256"]]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{day}/{region}/{service}/{end}\n{digest}"
    key = ("AWS4" + SECRET_KEY).encode()
    for part in (day, region, service, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return "" if hmac.compare_digest(expected, fields["Signature"]) else "SignatureDoesNotMatch"


@asynccontextmanager
async def s3_server() -> AsyncGenerator[S3Server]:
    server = S3Server()
    async with serving(server) as url:  # pyright: ignore[reportArgumentType] - ASGI's own types are looser
        server.url = url
        yield server
