"""The web page: static files that the browser may load from here and nowhere else."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

NOT_BUILT = (
    "<!doctype html><title>Footnote</title><h1>Footnote is running</h1>"
    "<p>The web page isn't built: it needs Node.js 20 or newer. Run <code>make web</code>, then load this page again."
    '<p>The API works without it: see <a href="/docs">/docs</a>.'
)


def mount_web(app: FastAPI, dist: Path) -> None:
    """Serves the built page at `/` and its assets below `/assets`; says how to build it where it isn't."""

    @app.get("/", include_in_schema=False)
    async def page() -> Response:  # pyright: ignore[reportUnusedFunction] - the app holds it
        index = dist / "index.html"
        return FileResponse(index, headers=PAGE_HEADERS) if index.exists() else HTMLResponse(NOT_BUILT)

    app.mount("/assets", StaticFiles(directory=dist / "assets", check_dir=False))
