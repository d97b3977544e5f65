import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from libs.clients.context import current_context
from libs.service.errors import install_error_handlers
from libs.service.middleware import BodyMiddleware, RequestContextMiddleware
from tests.loopback import serving


@pytest.mark.parametrize("deadline", [b"\xb2", b"9" * 400, b"9" * 5000, b"-1", b"1.5"])
async def test_a_deadline_that_is_no_number_is_none(deadline: bytes) -> None:
    app = FastAPI()
    app.add_middleware(RequestContextMiddleware, service="test", trusted=True)
    app.add_api_route("/", lambda: current_context().remaining_s())
    async with serving(app) as url, httpx.AsyncClient() as http:
        answer = await http.get(url, headers={b"X-Deadline-Ms": deadline})
        assert (answer.status_code, answer.json()) == (200, None)


@asynccontextmanager
async def reading(max_bytes: int = 60_000, silence_s: float = 30) -> AsyncIterator[str]:
    """The address of an application that reads a JSON body, under OpenAI's path and under ours."""

    async def read(body: dict[str, Any]) -> int:
        return len(body)

    app = FastAPI()
    install_error_handlers(app)
    app.add_middleware(BodyMiddleware, silence_s=silence_s, max_bytes=max_bytes)
    for path in ("/v1/things", "/things"):
        app.add_api_route(path, read, methods=["POST"])
    async with serving(app) as url:
        yield url


async def raw(url: str, path: str, headers: str, body: bytes) -> tuple[str, str]:
    """The answer's head and its body, to a request whose connection stays open."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}\r\n\r\n"
    writer.write(head.encode() + body)
    async with asyncio.timeout(30):
        answered = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in answered.split("\r\n") if line.startswith("content-length:"))
        content = await reader.readexactly(int(length.partition(":")[2]))
    writer.close()
    return answered, content.decode()


@pytest.mark.parametrize(
    ("headers", "body"),
    [("Content-Length: 100", b'{"a"'), ("Transfer-Encoding: chunked", b'5\r\n{"a":')],
    ids=["with a length", "in chunks"],
)
@pytest.mark.parametrize("path", ["/v1/things", "/things"])
async def test_a_body_that_stops_is_told_as_such(path: str, headers: str, body: bytes) -> None:
    async with reading(silence_s=0.2) as url:
        head, content = await raw(url, path, headers, body)
    assert head.startswith("http/1.1 408 ")
    assert "connection: close" in head
    error = json.loads(content)
    assert (error["error"] if path.startswith("/v1") else error)["code"] == "REQUEST_TIMEOUT"


async def test_a_body_whose_chunks_grow_beyond_the_limit_is_told_as_such() -> None:
    async with reading(max_bytes=10) as url:
        head, content = await raw(url, "/v1/things", "Transfer-Encoding: chunked", b'c\r\n{"a": "bcde"\r\n')
    assert head.startswith("http/1.1 413 ")
    assert json.loads(content)["error"]["code"] == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize(
    ("content", "headers", "status", "words"),
    [
        (b"[" * 50_000, {}, 400, "nests too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", {}, 400, "too many digits"),
        (b'{"a": "\xff"}', {}, 400, "UTF-8"),
        (b'{"a": 1', {}, 400, "isn't valid JSON"),
        (gzip.compress(b'{"a": 1}', mtime=0), {"Content-Encoding": "gzip"}, 415, "'gzip'"),
        (b"(a: 1)", {"Content-Encoding": "nonesuch"}, 415, "'nonesuch'"),
        (b'{"a": 1}', {"Content-Encoding": "identity"}, 200, "1"),
    ],
)
async def test_what_keeps_a_body_from_being_read_is_told(
    content: bytes, headers: dict[str, str], status: int, words: str
) -> None:
    async with reading() as url, httpx.AsyncClient(headers={"Content-Type": "application/json", **headers}) as http:
        answer = await http.post(f"{url}/v1/things", content=content)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
