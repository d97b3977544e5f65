"""The system's own Chromium, driven over the page as the gateway serves it."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from libs.config.settings import REPOSITORY
from libs.stores.file_lock import locked
from tests.stack import Stack

if TYPE_CHECKING:
    from playwright.async_api import Browser, ConsoleMessage, Page, Request

WEB = REPOSITORY / "services" / "web"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# How long the page may take for what a test waits for: playwright's own 5 s are few for an answer on a busy machine.
EXPECT_MS = 30_000


@dataclass
class Watched:
    """A page, and what it did that it must never do."""

    page: "Page"
    problems: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def built_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page built from its present sources; as it was built before where there is no Node.js."""
    npm = shutil.which("npm")
    dist = WEB / "dist"
    if npm:
        # A build empties the folder, and other workers may be looking at it: none where nothing has changed.
        with locked(tmp_path_factory.getbasetemp().parent / "web.lock"):
            if not is_built(dist):
                if not (WEB / "node_modules").exists():
                    subprocess.run([npm, "ci"], cwd=WEB, check=True, capture_output=True)
                subprocess.run([npm, "run", "build"], cwd=WEB, check=True, capture_output=True)
    if not (dist / "index.html").exists():
        pytest.skip("the web page isn't built, and there is no Node.js to build it")
    return dist


def is_built(dist: Path) -> bool:
    """Whether the page is there, and no older than what it is built from."""
    index = dist / "index.html"
    sources = [path for path in (*WEB.glob("*"), *(WEB / "src").rglob("*")) if path.is_file() and path.suffix != ".md"]
    return index.exists() and max(path.stat().st_mtime for path in sources) <= index.stat().st_mtime


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator["Browser"]:
    executable = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    if executable is None:
        pytest.skip(f"there is no browser: none of {', '.join(CHROMIUM_NAMES)} is installed")
    async_api = pytest.importorskip("playwright.async_api", reason="the package playwright isn't installed")
    async_api.expect.set_options(timeout=EXPECT_MS)
    async with async_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def watched(stack: Stack, browser: "Browser", built_page: Path) -> AsyncIterator[Watched]:
    """A new page in a browser that knows nothing yet. Fails the test that broke the page's policy or left its origin."""
    context = await browser.new_context(base_url=stack.url, viewport={"width": 1360, "height": 820})
    page = await context.new_page()
    watched = Watched(page)

    def note_request(request: "Request") -> None:
        if not request.url.startswith(stack.url):
            watched.problems.append(f"asked {request.url!r}")

    def note_message(message: "ConsoleMessage") -> None:
        # Chromium also reports each 4xx answer here; those are the tests' own doing.
        if message.type == "error" and "Failed to load resource" not in message.text:
            watched.problems.append(message.text)

    page.on("request", note_request)
    page.on("console", note_message)
    page.on("pageerror", lambda error: watched.problems.append(str(error)))
    yield watched
    await context.close()
    assert watched.problems == []


@pytest.fixture
async def page(watched: Watched) -> "Page":
    return watched.page
