"""Listings and errors, also as a hostile endpoint would write them."""

from datetime import UTC, datetime

import pytest

from libs.s3.answers import parse_error, parse_page
from libs.s3.errors import S3Error

ROW = "<Contents><Key>{}</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified><ETag>&quot;e&quot;</ETag><Size>7</Size></Contents>"


def page(*rows: str, truncated: str = "false", more: str = "") -> bytes:
    return f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{''.join(rows)}</ListBucketResult>".encode()


def test_a_page_is_read() -> None:
    more = "<NextContinuationToken>t&amp;</NextContinuationToken><EncodingType>url</EncodingType>"
    read = parse_page(page(ROW.format("a+b%2Bc%2F%C3%A9"), truncated="true", more=more))
    assert read.next_token == "t&"
    (found,) = read.objects
    assert (found.key, found.size_bytes, found.etag) == ("a b+c/é", 7, "e")
    assert found.last_modified == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_keys_are_taken_as_they_are_where_the_answer_is_not_encoded() -> None:
    assert [found.key for found in parse_page(page(ROW.format("a+b%20&amp;"))).objects] == ["a+b%20&"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sign in first</html>",
        page()[:-5],
        page(truncated="perhaps"),
        page(truncated="true"),
        b"<ListBucketResult></ListBucketResult>",
        page(ROW.format("a").replace(">7<", ">-7<")),
        page(ROW.format("a").replace(">7<", ">٧<")),
        page(ROW.format("a").replace("2026-01-02T03:04:05.678Z", "yesterday")),
        page(ROW.format("a").replace("678Z", "678")),
        page("<Contents/>"),
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + page(ROW.format("&a;")),
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><ListBucketResult/>'.encode("utf-16"),
        b"<ListBucketResult>" + b"<a>" * 1_000,
    ],
)  # fmt: skip
def test_what_is_not_a_whole_listing_is_none(body: bytes) -> None:
    with pytest.raises(S3Error):
        parse_page(body)


def test_of_an_error_only_its_code_and_region_are_taken() -> None:
    said = parse_error(b"<Error><Code>PermanentRedirect</Code><Region>eu-west-1</Region><Message>x</Message></Error>")
    assert (said.code, said.region) == ("PermanentRedirect", "eu-west-1")
    for body in (b"", b"no xml", b"<Error><Code>see http://evil.example/</Code><Region>\r\n</Region></Error>"):
        assert (parse_error(body).code, parse_error(body).region) == ("", "")
