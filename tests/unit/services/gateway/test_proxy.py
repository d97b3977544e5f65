"""What a service gets to read of a request's address."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response

from libs.config.settings import load_settings
from libs.security.keys import ensure_key_pairs
from libs.security.tokens import ServiceTokens
from services.gateway.proxy import Proxy


@pytest.mark.parametrize("target", ["/v1/models/org/model", "/v1/models/org%2Fmodel", "/v1/models/a%3Ab?x=%2F&y"])
async def test_an_address_is_passed_on_as_it_came(tmp_path: Path, target: str) -> None:
    ensure_key_pairs(tmp_path, ["gateway"])
    service, gateway = FastAPI(), FastAPI()

    async def told(request: Request) -> str:
        return (request.scope["raw_path"] + b"?" + request.scope["query_string"]).decode()

    service.add_api_route("/{path:path}", told)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service)) as http:
        proxy = Proxy(load_settings(), ServiceTokens("gateway", tmp_path), http)

        async def passed_on(request: Request) -> Response:
            return await proxy.forward(request, "chat", None, 5, 0)

        gateway.add_api_route("/{path:path}", passed_on)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://gateway") as client:
            answer = await client.get(target)
    assert answer.json().removesuffix("?") == target
