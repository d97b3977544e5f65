"""A slash at the end of an address leads to the address without it, and never to a service's own."""

import httpx
import pytest

from libs.config.settings import Settings
from services.gateway.main import build
from tests.loopback import serving
from tests.stack import base_port


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("/mcp/", "/mcp"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/documents//?q=a%2Fb&limit=2", "/documents?q=a%2Fb&limit=2"),
        ("/documents/a%2Fb/", "/documents/a%2Fb"),
        ("/documents//example.com/", "/documents//example.com"),
    ],
)
async def test_a_slash_at_the_end_leads_to_the_address_without_it(settings: Settings, asked: str, told: str) -> None:
    own = settings.model_copy(update={"base_port": base_port(), "redis_url": "redis://127.0.0.1:9"})
    async with serving(build(own)) as url, httpx.AsyncClient(base_url=url) as http:
        answer = await http.post(asked, content=b"{}")
        assert (answer.status_code, answer.headers["location"]) == (307, told)
        assert (await http.get("/nowhere/")).status_code == 404
        # One that is part of a name isn't at the end.
        assert not (await http.get("/documents/%2F")).has_redirect_location
