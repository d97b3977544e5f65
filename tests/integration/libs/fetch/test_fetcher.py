"""The fetcher against servers on loopback: 127.0.0.2 stands for the public web, 127.0.0.1 for the private network."""

import asyncio
import gzip
import io
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from libs.fetch import fetcher as fetching
from libs.fetch.addresses import networks
from libs.fetch.errors import AddressRefusedError, FetchError, PageStatusError, RobotsDisallowError, TooLargeError
from libs.fetch.fetcher import Fetched, Fetcher

PUBLIC = "127.0.0.2"
PRIVATE = "127.0.0.1"
MAX_BYTES = 1_000_000

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


def reply(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    lines = {"Content-Length": str(len(body)), "Connection": "close"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


class Site:
    """A server that answers each path with what `pages` holds, or as it says; `asked` are the requests' heads."""

    def __init__(self, pages: dict[str, bytes | Answer]) -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self.handle(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            page = self.pages.get(head.split()[1], reply(status="404 Not Found"))
            if isinstance(page, bytes):
                writer.write(page)
                await writer.drain()
            else:
                await page(head, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    @property
    def paths(self) -> list[str]:
        return [head.split()[1] for head in self.asked]


@asynccontextmanager
async def serving(site: Site, host: str = PUBLIC, tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    server = await asyncio.start_server(site.accept, host, site.port, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield site
        finally:
            for task in site.tasks:
                task.cancel()
            await asyncio.gather(*site.tasks, return_exceptions=True)


def fetcher_for(site: Site, names: dict[str, list[str]] | None = None, **options: object) -> Fetcher:
    known = {"public.test": [PUBLIC]} | (names or {})

    async def resolve(host: str, _port: int) -> list[str]:
        return known.get(host, [host] if host[0].isdigit() or ":" in host else [])

    settings = {
        "timeout_s": 10.0,
        "ports": [site.port],
        "allowed_networks": networks([f"{PUBLIC}/32"]),
        "resolve": resolve,
    }
    return Fetcher(**{**settings, **options})  # pyright: ignore[reportArgumentType] - a test's own settings


async def read(fetcher: Fetcher, url: str, max_bytes: int = MAX_BYTES) -> tuple[bytes, Fetched]:
    into = io.BytesIO()
    fetched = await fetcher.fetch(url, into, max_bytes)
    return into.getvalue(), fetched


async def test_a_page_is_fetched_by_its_name_and_says_who_asks() -> None:
    async with serving(Site({"/a": reply(b"Hello", Content_Type='text/html; charset="UTF-8"')})) as site:
        content, fetched = await read(fetcher_for(site), f"http://public.test:{site.port}/a#part")
    assert content == b"Hello"
    assert (fetched.media_type, fetched.charset, fetched.size_bytes) == ("text/html", "utf-8", 5)
    assert site.paths == ["/robots.txt", "/a"]
    assert f"Host: public.test:{site.port}\r\n" in site.asked[1]
    assert "User-Agent: FootnoteBot/" in site.asked[1]


async def test_proxies_from_the_environment_take_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(Site({"/a": reply(b"Hello")})) as site:
        assert (await read(fetcher_for(site), f"http://public.test:{site.port}/a"))[0] == b"Hello"


@pytest.mark.parametrize(
    "host",
    [PRIVATE, "localhost", "[::1]", "[::ffff:127.0.0.1]", "private.test", "mixed.test", "absent.test", "①②⑦.⓪.⓪.①"],
)
async def test_the_private_network_is_not_reached_and_its_absence_not_told(host: str) -> None:
    names = {"private.test": [PRIVATE], "mixed.test": [PUBLIC, "::ffff:127.0.0.1"], "localhost": [PRIVATE, "::1"]}
    async with serving(Site({"/": reply(b"secret")}), PRIVATE) as site:
        with pytest.raises(AddressRefusedError, match="no public address"):
            await read(fetcher_for(site, names), f"http://{host}:{site.port}/")
    assert site.asked == []


async def test_a_name_that_resolves_differently_a_moment_later_is_refused() -> None:
    answers = iter([[PUBLIC], [PRIVATE]])

    async def rebinding(_host: str, _port: int) -> list[str]:
        return next(answers)

    inside, public = Site({"/a": reply(b"secret")}), Site({"/a": reply(b"public")})
    # This one first: its address has the ports of all other tests in use, the public one hardly any.
    async with serving(inside, PRIVATE):
        public.port = inside.port
        async with serving(public):
            with pytest.raises(AddressRefusedError):
                await read(fetcher_for(public, resolve=rebinding), f"http://public.test:{public.port}/a")
    assert public.paths == ["/robots.txt"]
    assert inside.asked == []


async def test_each_connection_resolves_once_so_that_what_was_checked_is_what_is_reached() -> None:
    asked: list[str] = []

    async def counting(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC]

    async with serving(Site({"/a": reply(b"public")})) as site:
        await read(fetcher_for(site, resolve=counting), f"http://public.test:{site.port}/a")
    assert len(asked) == len(site.asked) == 2


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/", "http://[::ffff:7f00:1]:{port}/", "//private.test:{port}/"]
)
async def test_a_redirect_into_the_private_network_is_refused(target: str) -> None:
    inside, site = Site({"/": reply(b"secret")}), Site({})
    # This one first, as above.
    async with serving(inside, PRIVATE):
        site.port = inside.port
        site.pages["/a"] = reply(status="302 Found", Location=target.format(port=site.port))
        async with serving(site):
            with pytest.raises(AddressRefusedError):
                await read(fetcher_for(site, {"private.test": [PRIVATE]}), f"http://public.test:{site.port}/a")
    assert inside.asked == []


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://user:word@public.test/", "http://public.test:22/", "http://0x7f.1/"]
)
async def test_a_redirect_to_anything_but_a_plain_web_address_is_refused(target: str) -> None:
    async with serving(Site({"/a": reply(status="301 Moved", Location=target)})) as site:
        with pytest.raises(FetchError):
            await read(fetcher_for(site), f"http://public.test:{site.port}/a")


async def test_redirects_are_followed_up_to_five() -> None:
    pages: dict[str, bytes | Answer] = {f"/{n}": reply(status="307 Go", Location=f"/{n + 1}") for n in range(7)}
    pages["/5"] = reply(b"there")
    async with serving(Site(pages)) as site:
        content, fetched = await read(fetcher_for(site), f"http://public.test:{site.port}/0")
        assert (content, fetched.url.path) == (b"there", "/5")
        site.pages["/5"] = reply(status="307 Go", Location="/6")
        with pytest.raises(FetchError, match="5 redirects"):
            await read(fetcher_for(site), f"http://public.test:{site.port}/0")


async def test_only_the_ports_that_are_open_to_fetching_are_reached() -> None:
    async with serving(Site({"/": reply(b"x")})) as site:
        with pytest.raises(FetchError, match="port"):
            await read(fetcher_for(site, ports=[80, 443]), f"http://public.test:{site.port}/")
    assert site.asked == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compressed_pages_are_unpacked_and_bombs_stop_at_the_limit(encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    pages: dict[str, bytes | Answer] = {
        "/small": reply(pack(b"small"), Content_Encoding=encoding),
        "/bomb": reply(pack(bytes(50_000_000)), Content_Encoding=encoding),
        "/cut": reply(pack(b"cut" * 100)[:-10], Content_Encoding=encoding),
        "/bad": reply(b"not compressed at all", Content_Encoding=encoding),
        "/double": reply(pack(pack(b"x")), Content_Encoding=f"{encoding}, {encoding}"),
    }
    async with serving(Site(pages)) as site:
        address = f"http://public.test:{site.port}"
        assert (await read(fetcher_for(site), f"{address}/small"))[0] == b"small"
        with pytest.raises(TooLargeError):
            await read(fetcher_for(site), f"{address}/bomb")
        for path in ("cut", "bad", "double"):
            with pytest.raises(FetchError):
                await read(fetcher_for(site), f"{address}/{path}")


async def test_what_is_too_large_is_cut_off_whether_it_says_so_or_never_ends() -> None:
    sent = 0

    async def endless(_head: str, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(bytes(65_536))
            sent += 65_536
            await writer.drain()

    async with serving(Site({"/endless": endless, "/says": reply(bytes(5_000))})) as site:
        with pytest.raises(TooLargeError):
            await read(fetcher_for(site), f"http://public.test:{site.port}/endless")
        with pytest.raises(TooLargeError):
            await read(fetcher_for(site), f"http://public.test:{site.port}/says", 4_999)
    assert sent < 50_000_000


async def test_silence_and_trickling_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_head: str, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def trickling(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    pages: dict[str, bytes | Answer] = {"/silent": silent, "/trickling": trickling, "/page": reply(b"Hello")}
    async with serving(Site(pages)) as site:
        address = f"http://public.test:{site.port}"
        with pytest.raises(FetchError, match="within"):
            await read(fetcher_for(site, timeout_s=0.3), f"{address}/trickling")
        fetcher = fetcher_for(site)
        # From here on it knows the site's robots.txt, which a busy machine mightn't bring as soon as is asked below.
        await read(fetcher, f"{address}/page")
        monkeypatch.setattr(fetching, "SILENCE_S", 0.1)
        with pytest.raises(FetchError, match="stopped answering"):
            await read(fetcher, f"{address}/silent")


async def test_a_broken_answer_is_an_error_and_not_a_page() -> None:
    pages: dict[str, bytes | Answer] = {
        "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        "/junk": b"\x00\x01 nonsense\r\n\r\n",
        "/headers": b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n",
        "/teapot": reply(status="418 Teapot"),
    }
    async with serving(Site(pages)) as site:
        for path in pages:
            with pytest.raises(FetchError):
                await read(fetcher_for(site), f"http://public.test:{site.port}{path}")


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        (reply(status="404 Not Found"), True),
        (reply(b"User-agent: *\nDisallow: /private\nAllow: /private/open"), True),
        (reply(b"User-agent: *\nDisallow: /*/page"), False),
        (reply(b"User-agent: footnotebot\nDisallow: /\n\nUser-agent: *\nAllow: /"), False),
        (reply(status="503 Busy"), False),
        (reply(status="302 Found", Location="/rules"), False),
        (reply(status="302 Found", Location="http://127.0.0.1/robots.txt"), False),
    ],
)
async def test_robots_are_respected(robots: bytes, allowed: bool) -> None:
    pages: dict[str, bytes | Answer] = {
        "/robots.txt": robots,
        "/private/open/page": reply(b"Hello"),
        "/rules": reply(b"User-agent: *\nDisallow: /"),
    }
    async with serving(Site(pages)) as site:
        url = f"http://public.test:{site.port}/private/open/page"
        if allowed:
            assert (await read(fetcher_for(site), url))[0] == b"Hello"
        else:
            with pytest.raises(FetchError):
                await read(fetcher_for(site), url)
            assert "/private/open/page" not in site.paths


async def test_robots_hold_for_where_a_redirect_leads_and_are_asked_for_once() -> None:
    pages: dict[str, bytes | Answer] = {
        "/robots.txt": reply(b"User-agent: *\nDisallow: /closed"),
        "/open": reply(status="302 Found", Location="/closed"),
        "/fine": reply(b"fine"),
    }
    async with serving(Site(pages)) as site:
        fetcher = fetcher_for(site)
        with pytest.raises(RobotsDisallowError):
            await read(fetcher, f"http://public.test:{site.port}/open")
        await read(fetcher, f"http://public.test:{site.port}/fine")
    assert site.paths == ["/robots.txt", "/open", "/fine"]


async def test_a_page_that_is_gone_says_so() -> None:
    async with serving(Site({})) as site:
        with pytest.raises(PageStatusError) as failed:
            await read(fetcher_for(site), f"http://public.test:{site.port}/gone")
    assert failed.value.status == 404


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*form))
    return folder / "cert.pem", folder / "key.pem"


async def test_tls_verifies_the_name_and_not_the_address(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "public.test")
    serving_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving_tls.load_cert_chain(cert, key)
    names: list[str | None] = []
    serving_tls.sni_callback = lambda _socket, name, _context: names.append(name)
    trusting = ssl.create_default_context(cafile=str(cert))
    async with serving(Site({"/a": reply(b"Hello")}), tls=serving_tls) as site:
        fetcher = fetcher_for(site, {"other.test": [PUBLIC]}, ssl_context=trusting)
        assert (await read(fetcher, f"https://public.test:{site.port}/a"))[0] == b"Hello"
        assert set(names) == {"public.test"}
        with pytest.raises(FetchError):
            await read(fetcher, f"https://other.test:{site.port}/a")
        with pytest.raises(FetchError):
            await read(fetcher_for(site), f"https://public.test:{site.port}/a")
