"""What the holder of a share link may ask the gateway for: a list, and nothing beside it."""

from uuid import UUID

import pytest

from services.gateway.routing import TARGETS, open_to_guests

ID = str(UUID(int=7))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/search"),
        ("GET", "/documents"),
        ("GET", f"/documents/{ID}"),
        ("GET", f"/documents/{ID}/passages"),
        ("GET", f"/documents/{ID}/passages/{ID}"),
    ],
)
def test_finding_and_reading_is_open(method: str, path: str) -> None:
    assert open_to_guests(method, path)
    assert not any(open_to_guests(other, path) for other in ("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"))


@pytest.mark.parametrize(
    "path",
    [
        *(f"{target.path}/anything-new" for target in TARGETS),
        "/search/",
        "/searching",
        "/documents/",
        "/documents/collections",
        "/documents/inventory",
        f"/documents/{ID}/original",
        f"/documents/{ID}/passages/",
        f"/documents/{ID}/passages/{ID}/anything-new",
        f"/documents/{ID}\n",
        f"/documents/{ID.replace('-', '')}",
        f"//documents/{ID}",
    ],
)
def test_everything_else_is_closed(path: str) -> None:
    assert not any(open_to_guests(method, path) for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"))
