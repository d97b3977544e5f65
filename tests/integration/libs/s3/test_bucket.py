"""A bucket over real HTTP, and endpoints that mean no good."""

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable

import httpcore
import pytest
import stamina

from libs.fetch.addresses import networks
from libs.fetch.connecting import CheckedBackend, resolve
from libs.s3 import bucket as bucket_module
from libs.s3.answers import S3Object
from libs.s3.bucket import Bucket
from libs.s3.errors import S3BusyError, S3Error, S3RefusedError, S3TooLargeError, S3UnreachableError
from libs.s3.location import locate
from libs.s3.signing import Credentials
from tests.s3_server import ACCESS_KEY, SECRET_KEY, Answer, S3Server, hang, headers_of, refusing, s3_server

RIGHT = Credentials(ACCESS_KEY, SECRET_KEY)
LOOPBACK = networks(["127.0.0.0/8"])
MAX_BYTES = 1_000_000
ODD_KEYS = [
    "a b.md", "é/ü+%20&=.md", "../up.md", "/lead.md", "d//e.md", "x?y#z.md", "日本.md", "q'(x)*!.md", "a\x01b.md",
    "nul\x00.md", "~t.md", "tab\t\n.md", "\udcff.md",
]  # fmt: skip


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[S3Server]:
    async with s3_server() as server:
        yield server


@pytest.fixture
def server(running: S3Server) -> S3Server:
    running.empty()
    return running


@pytest.fixture(scope="module")
def ssl_context() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


Opening = Callable[..., Bucket]


@pytest.fixture
def opened(server: S3Server, ssl_context: ssl.SSLContext) -> Opening:
    def make(
        credentials: Credentials = RIGHT,
        *,
        name: str = "reports",
        endpoint: str = "",
        allowed: bool = True,
        silence_s: float = 10.0,
    ) -> Bucket:
        backend = CheckedBackend(LOOPBACK if allowed else (), resolve)
        place = locate(name, "eu-west-1", endpoint or server.url)
        return Bucket(place, credentials, backend, ssl_context=ssl_context, silence_s=silence_s)

    return make


async def listed(bucket: Bucket, prefix: str = "", at_most: int = 10_000) -> list[S3Object]:
    async with bucket:
        return [found async for found in bucket.objects(prefix, at_most)]


async def read(bucket: Bucket, key: str) -> tuple[bytes, S3Object]:
    into = io.BytesIO()
    async with bucket:
        found = await bucket.read(key, into, MAX_BYTES)
    return into.getvalue(), found


async def test_keys_of_every_kind_are_listed_and_read(server: S3Server, opened: Opening) -> None:
    for key in ODD_KEYS:
        server.put(key, f"content of {key!r}")
    found = {one.key: one for one in await listed(opened())}
    assert set(found) == set(ODD_KEYS)
    for key in ODD_KEYS:
        if key.isprintable():
            content, said = await read(opened(), key)
            assert content == f"content of {key!r}".encode()
            assert said == found[key]
    assert [one.key for one in await listed(opened(), "é/")] == ["é/ü+%20&=.md"]


async def test_a_listing_of_many_pages_is_read_to_its_end(server: S3Server, opened: Opening) -> None:
    for number in range(2_500):
        server.put(f"many/{number:05}.md", "x")
    assert len({one.key for one in await listed(opened(), "many/")}) == 2_500
    with pytest.raises(S3TooLargeError, match="2,000"):
        await listed(opened(), "many/", 2_000)


@pytest.mark.parametrize(
    ("credentials", "name", "words"),
    [
        (Credentials(ACCESS_KEY, "wrong"), "reports", "SignatureDoesNotMatch"),
        (Credentials("nobody", SECRET_KEY), "reports", "access key isn't known"),
        (RIGHT, "missing", "no such bucket"),
    ],
)
async def test_what_is_refused_is_told_in_words(
    opened: Opening, credentials: Credentials, name: str, words: str
) -> None:
    with pytest.raises(S3RefusedError, match=words) as refused:
        await listed(opened(credentials, name=name))
    assert SECRET_KEY not in str(refused.value)


async def test_an_address_inside_the_network_is_never_connected_to(server: S3Server, opened: Opening) -> None:
    for endpoint in ("", "http://169.254.169.254", "http://localhost:1", "http://[::ffff:127.0.0.1]:1"):
        with pytest.raises(S3UnreachableError, match="no public address"):
            await listed(opened(endpoint=endpoint, allowed=False))
    assert server.asked == []


async def test_a_redirect_is_not_followed(server: S3Server, opened: Opening) -> None:
    async def redirect(answer: Answer) -> None:
        await answer.whole(307, location="http://169.254.169.254/latest/meta-data/iam/")

    server.broken[""] = redirect
    with pytest.raises(S3RefusedError, match="307"):
        await listed(opened())
    assert server.asked == [""]


async def test_another_region_is_named(server: S3Server, opened: Opening) -> None:
    async def elsewhere(answer: Answer) -> None:
        await answer.whole(
            301, b"<Error><Code>PermanentRedirect</Code></Error>", **{"x-amz-bucket-region": "us-west-2"}
        )

    server.broken[""] = elsewhere
    with pytest.raises(S3RefusedError, match="us-west-2"):
        await listed(opened())


async def test_an_endpoint_that_hangs_or_never_ends_is_given_up(
    server: S3Server, opened: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.broken[""] = hang
    with pytest.raises(S3UnreachableError, match="stopped answering"):
        await listed(opened(silence_s=0.3))

    async def drip(answer: Answer) -> None:
        await answer.begin(200, {})
        for _ in range(200):
            await answer.body(b" ", more=True)
            await asyncio.sleep(0.01)

    async def endless(answer: Answer) -> None:
        more = b"<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        await answer.whole(200, b"<ListBucketResult>" + more + b"</ListBucketResult>")

    async def flood(answer: Answer) -> None:
        await answer.begin(200, {})
        for _ in range(20):
            await answer.body(b" " * 1_000_000, more=True)

    monkeypatch.setattr(bucket_module, "PAGE_MAX_S", 0.3)
    server.broken[""] = drip
    with pytest.raises(S3UnreachableError, match="didn't arrive"):
        await listed(opened())
    monkeypatch.setattr(bucket_module, "PAGE_MAX_S", 30)
    server.broken[""] = endless
    with pytest.raises(S3Error, match="doesn't come to an end"):
        await listed(opened())
    server.broken[""] = flood
    with pytest.raises(S3Error, match="larger than S3 ever gives"):
        await listed(opened())


async def test_a_busy_bucket_is_asked_again(server: S3Server, opened: Opening) -> None:
    server.put("a.md", "x")
    with stamina.set_testing(True, attempts=3):
        server.broken["a.md"] = refusing(503, "SlowDown")
        with pytest.raises(S3BusyError, match="SlowDown"):
            await read(opened(), "a.md")
    assert server.asked == ["a.md"] * 3


async def test_an_object_arrives_whole_or_not_at_all(server: S3Server, opened: Opening) -> None:
    server.put("a.md", "old and longer")

    async def cut(answer: Answer) -> None:
        await answer.begin(200, headers_of(server.objects["reports"]["a.md"]))
        await answer.body(b"old", more=True)
        raise ConnectionError

    (before,) = await listed(opened())
    server.put("a.md", "new")
    content, said = await read(opened(), "a.md")
    assert (content, said.size_bytes, said.etag == before.etag) == (b"new", 3, False)

    server.put("a.md", b"x" * (MAX_BYTES + 1))
    with pytest.raises(S3TooLargeError):
        await read(opened(), "a.md")
    server.broken["a.md"] = cut
    with pytest.raises(S3UnreachableError):
        await read(opened(), "a.md")
