import httpx
import pytest
from fastapi import FastAPI

from libs.clients.context import current_context
from libs.service.middleware import RequestContextMiddleware
from tests.loopback import serving


@pytest.mark.parametrize("deadline", [b"\xb2", b"9" * 400, b"9" * 5000, b"-1", b"1.5"])
async def test_a_deadline_that_is_no_number_is_none(deadline: bytes) -> None:
    app = FastAPI()
    app.add_middleware(RequestContextMiddleware, service="test", trusted=True)
    app.add_api_route("/", lambda: current_context().remaining_s())
    async with serving(app) as url, httpx.AsyncClient() as http:
        answer = await http.get(url, headers={b"X-Deadline-Ms": deadline})
        assert (answer.status_code, answer.json()) == (200, None)
