"""What the web page may load, and how it shows what people and documents wrote."""

import re
from pathlib import Path

import pytest

from services.gateway.web import PAGE_HEADERS

SOURCES = Path(__file__).resolve().parents[4] / "services" / "web" / "src"


def test_the_page_fetches_nothing_from_elsewhere():
    """An image or link in an answer would tell its server who read it, and what."""
    policy = dict(part.strip().split(" ", 1) for part in PAGE_HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    for kind in ("img-src", "script-src", "style-src", "connect-src"):
        assert policy[kind] == "'self'"
    assert set(policy) <= {
        *(
            "default-src",
            "script-src",
            "style-src",
            "img-src",
            "connect-src",
            "frame-ancestors",
            "base-uri",
            "form-action",
        ),
    }
    assert PAGE_HEADERS["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.tsx")), ids=lambda path: path.name)
def test_texts_are_shown_as_text(path: Path):
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"dangerouslySetInnerHTML|innerHTML|insertAdjacentHTML|<img\b|<iframe\b", source)
