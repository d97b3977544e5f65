import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.fetch.errors import FetchError
from libs.fetch.urls import parse_url, resolved


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("HTTPS://Example.COM:443/a%20b?q=1#part", "https://example.com/a%20b?q=1"),
        ("http://example.com", "http://example.com/"),
        ("http://example.com:8080?q", "http://example.com:8080/?q"),
        ("https://bücher.example/straße", "https://xn--bcher-kva.example/stra%C3%9Fe"),
        ("http://①②⑦.⓪.⓪.①/", "http://127.0.0.1/"),
        ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
    ],
)
def test_is_read_as_a_browser_would(text: str, read: str):
    assert str(parse_url(text)) == read


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.com", "//example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://x/", "http://"),
        *("http://user@example.com/", "http://user:word@example.com/", "http://@example.com/"),
        *("http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://0x7f.0.0.1/"),
        *("http://1.2.3.4.5/", "http://127.0.0.1./", "http://example.com:99999/", "http://example.com:x/"),
        *(
            "http://exam ple.com/",
            "http://example.com\\@evil.example/",
            "http://example.com/\r\nHost: x",
            "http://[::1/",
        ),
        *("http://[fe80::1%25eth0/", f"http://example.com/{'a' * 2000}", "http://a..b/", "http://%31%32%37.0.0.1/"),
    ],
)
def test_anything_else_is_refused(text: str):
    with pytest.raises(FetchError):
        parse_url(text)


def test_a_redirect_is_read_against_its_page():
    base = parse_url("https://example.com/docs/page?x=1")
    assert str(resolved(base, "../other#part")) == "https://example.com/other"
    assert str(resolved(base, "//elsewhere.example/")) == "https://elsewhere.example/"
    with pytest.raises(FetchError):
        resolved(base, "javascript:alert(1)")


@given(st.text(max_size=80))
def test_no_text_does_more_than_be_refused(text: str):
    for candidate in (text, f"http://{text}", f"https://example.com/{text}"):
        try:
            address = parse_url(candidate)
        except FetchError:
            continue
        assert str(address).isascii()
        assert parse_url(str(address)) == address
