"""Signatures against the examples that Amazon publishes with the scheme."""

from datetime import UTC, datetime

import pytest

from libs.s3.signing import Credentials, UnsignedRequest, encoded_path, encoded_query, signed_headers

EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
NOW = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "examplebucket.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("request_", "signature"),
    [
        (
            UnsignedRequest("GET", HOST, "/test.txt", "", headers={"Range": "bytes=0-9"}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            UnsignedRequest("GET", HOST, "/", encoded_query([("prefix", "J"), ("max-keys", "2")])),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
        (
            UnsignedRequest("GET", HOST, "/", encoded_query([("lifecycle", "")])),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
    ],
)
def test_published_examples(request_: UnsignedRequest, signature: str) -> None:
    headers = dict(signed_headers(request_, EXAMPLE, "us-east-1", NOW))
    assert headers["authorization"].endswith(f"Signature={signature}")
    assert headers["x-amz-date"] == "20130524T000000Z"


def test_keys_and_queries_are_encoded_as_they_are_signed() -> None:
    assert encoded_path("/reports/../a b/é+~%20") == "/reports/../a%20b/%C3%A9%2B~%2520"
    assert encoded_query([("prefix", "a/b c"), ("list-type", "2")]) == "list-type=2&prefix=a%2Fb%20c"


def test_the_secret_is_in_no_representation() -> None:
    assert EXAMPLE.secret_access_key not in repr(EXAMPLE)
