"""The public API, as the command line uses it: sign-in, patience with limits, and errors that a person can read."""

import asyncio
import json
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse

from libs.config.settings import Settings

DEMO_EMAIL = "demo@example.com"
DEMO_ORGANIZATION = "Footnote demo"
ANSWER_TIMEOUT_S = 180.0
UNAUTHENTICATED = 401
LONGEST_WAIT_S = 60.0


class ApiError(Exception):
    """An answer that isn't a success, or none; the message is for the person at the terminal."""

    def __init__(self, message: str, code: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Credentials:
    email: str
    password: str


def credentials_file(settings: Settings) -> Path:
    return settings.home / "credentials.json"


def stored_credentials(path: Path) -> Credentials | None:
    return Credentials(**json.loads(path.read_text())) if path.exists() else None


def store_new_credentials(path: Path, email: str) -> Credentials:
    """Makes a password nobody else knows and keeps it where only this user can read it."""
    credentials = Credentials(email, secrets.token_urlsafe(18))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(credentials), file)
    return credentials


def address(settings: Settings) -> str:
    """FOOTNOTE_URL, else this installation's gateway."""
    return os.environ.get("FOOTNOTE_URL", f"http://127.0.0.1:{settings.base_port}").rstrip("/")


class Api:
    """Calls the gateway. Raises ApiError."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._credentials: Credentials | None = None

    async def call(self, method: str, path: str, **options: Any) -> Any:
        """The parsed answer, None for an empty one."""
        response = await self.request(method, path, **options)
        return response.json() if response.content else None

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, which is a success.

        A request over the rate limit waits its turn; one whose access token ended in long work signs in again, once.
        """
        signed_in_again = False
        while True:
            try:
                response = await self._http.request(method, path, **options)
            except httpx.TransportError as error:
                raise unreachable(self._http, error) from error
            if response.is_success:
                return response
            error = error_of(response)
            if error.status == UNAUTHENTICATED and self._credentials and not signed_in_again:
                signed_in_again = True
                await self.sign_in(self._credentials)
                continue
            wait_s = float(response.headers.get("Retry-After", "0"))
            if error.code != "RATE_LIMITED" or not 0 < wait_s <= LONGEST_WAIT_S:
                raise error
            await asyncio.sleep(wait_s)

    async def sign_in(self, credentials: Credentials) -> None:
        self._credentials = None
        tokens = await self.call("POST", "/auth/login", json=asdict(credentials))
        self._credentials = credentials
        self._http.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    async def stream_chat(self, message: str, **options: Any) -> AsyncGenerator[ServerSentEvent]:
        """The events of one streamed answer."""
        body = {"message": message, "stream": True, **options}
        try:
            async with aconnect_sse(self._http, "POST", "/chat", json=body, timeout=ANSWER_TIMEOUT_S) as source:
                if source.response.is_error:
                    await source.response.aread()
                    raise error_of(source.response)
                async for event in source.aiter_sse():
                    yield event
        except httpx.TransportError as error:
            raise unreachable(self._http, error) from error


def error_of(response: httpx.Response) -> ApiError:
    try:
        body = response.json()
        return ApiError(body["message"], body["code"], response.status_code)
    except (ValueError, KeyError, TypeError):
        return ApiError(f"{response.request.url} answered {response.status_code}.", status=response.status_code)


def unreachable(http: httpx.AsyncClient, error: httpx.TransportError) -> ApiError:
    return ApiError(
        f"No answer from {str(http.base_url).rstrip('/')} ({type(error).__name__}). Start Footnote with 'footnote up', "
        "or set FOOTNOTE_URL; 'footnote doctor' says what is wrong."
    )


@asynccontextmanager
async def signed_in(settings: Settings) -> AsyncGenerator[Api]:
    """The API as the caller: FOOTNOTE_API_KEY where set, else the user that 'footnote seed' made."""
    key = os.environ.get("FOOTNOTE_API_KEY")
    if key:
        async with httpx.AsyncClient(base_url=address(settings), timeout=60, trust_env=False) as http:
            http.headers["X-API-Key"] = key
            yield Api(http)
        return
    credentials = stored_credentials(credentials_file(settings))
    if credentials is None:
        raise ApiError("Nobody is signed in. Run 'footnote seed' for a demo user, or set FOOTNOTE_API_KEY.")
    async with signed_in_as(settings, credentials) as api:
        yield api


@asynccontextmanager
async def signed_in_as(settings: Settings, credentials: Credentials) -> AsyncGenerator[Api]:
    async with httpx.AsyncClient(base_url=address(settings), timeout=60, trust_env=False) as http:
        api = Api(http)
        await api.sign_in(credentials)
        yield api
