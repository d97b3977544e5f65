"""Where a bucket is: on a named endpoint as a path, on Amazon's as a host of its own where its name can be one."""

import re
from dataclasses import dataclass

from libs.fetch.errors import FetchError
from libs.fetch.urls import WebAddress, parse_url
from libs.s3.errors import S3Error

_HOST = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@dataclass(frozen=True)
class BucketLocation:
    """`path` is what comes before a key, without a slash at its end."""

    address: WebAddress
    path: str
    region: str


def locate(bucket: str, region: str, endpoint: str | None) -> BucketLocation:
    """Raises S3Error for an endpoint that isn't an origin."""
    if endpoint is None:
        if _HOST.fullmatch(bucket):
            return BucketLocation(parse_url(f"https://{bucket}.s3.{region}.amazonaws.com"), "", region)
        return BucketLocation(parse_url(f"https://s3.{region}.amazonaws.com"), f"/{bucket}", region)
    try:
        address = parse_url(endpoint)
    except FetchError as error:
        raise S3Error(str(error)) from error
    if address.target != "/":
        raise S3Error(f"{endpoint!r} has a path. Give the endpoint alone, and bucket and prefix in their own fields.")
    return BucketLocation(address, f"/{bucket}", region)
