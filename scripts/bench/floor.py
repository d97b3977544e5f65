"""The least that an answer over HTTP can cost here: a bare FastAPI route that reads one value from Redis."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Response

from libs.config.settings import Settings, load_settings
from libs.stores.redis import connect_redis
from scripts.bench.route import running_route

KEY = "bench:floor"
BODY_BYTES = 8_000


def bare_app(settings: Settings) -> FastAPI:
    app = FastAPI(openapi_url=None)
    redis = connect_redis(settings)

    @app.get("/")
    async def bare() -> Response:  # pyright: ignore[reportUnusedFunction] - the app holds it
        return Response(await redis.get(KEY), media_type="application/json")

    return app


@asynccontextmanager
async def floor_route(settings: Settings, port: int) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the bare route, which runs in a process of its own."""
    redis = connect_redis(settings)
    await redis.set(KEY, b'"' + b"x" * BODY_BYTES + b'"', ex=3600)
    await redis.aclose()
    async with running_route(settings, "scripts.bench.floor", port) as http:
        yield http


if __name__ == "__main__":
    uvicorn.run(bare_app(load_settings()), port=int(sys.argv[1]), log_level="warning", access_log=False)
