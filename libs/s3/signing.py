"""Requests signed as S3 asks: AWS Signature Version 4, in the `Authorization` header.

Source: Amazon S3's API reference, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256().hexdigest()
_UNRESERVED = "-_.~"


@dataclass(frozen=True)
class Credentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class UnsignedRequest:
    """`path` and `query` are encoded already, as `encoded_path` and `encoded_query` do it."""

    method: str
    authority: str
    path: str
    query: str
    payload_sha256: str = EMPTY_SHA256
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def encoded_path(path: str) -> str:
    """The path as it is sent and signed; `..` and `//` stay, because they are parts of a key."""
    return quote(path, safe="/" + _UNRESERVED)


def encoded_query(parameters: Sequence[tuple[str, str]]) -> str:
    """In the order in which it is signed."""
    encoded = sorted((quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in parameters)
    return "&".join(f"{name}={value}" for name, value in encoded)


def signed_headers(
    request: UnsignedRequest, credentials: Credentials, region: str, now: datetime
) -> list[tuple[str, str]]:
    """The headers of the signed request, `Host` and `Authorization` among them."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {name.lower(): value for name, value in request.headers.items()} | {
        "host": request.authority,
        "x-amz-content-sha256": request.payload_sha256,
        "x-amz-date": stamp,
    }
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        (
            request.method,
            request.path,
            request.query,
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            request.payload_sha256,
        )
    )
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    to_sign = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in (stamp[:8], region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    authorization = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope},SignedHeaders={names},Signature={signature}"
    )
    return [*headers.items(), ("authorization", authorization)]
