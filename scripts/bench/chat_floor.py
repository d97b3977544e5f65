"""The least that an answer can cost here: one bare FastAPI route that reads and writes as much as `POST /chat` does.

The same transactions with as many statements each, rows as large, the two searches and the token vectors of the
organisation's own index, and one value read from Redis and written to it. Without a model, a check or a second service.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import httpx
import numpy as np
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from libs.config.settings import Settings, load_settings
from libs.stores.postgres import Database
from libs.stores.redis import connect_redis
from scripts.bench.route import running_route
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.ports import Scope

KEY = "bench:chat_floor"
# As `POST /chat` measured: an answer with its sources, and its trace.
ANSWER_BYTES, TRACE_BYTES = 8_000, 16_000
DEPTH, RERANKED, DIMENSION = 50, 50, 384

_TABLE = (
    "CREATE TABLE IF NOT EXISTS bench_rows "
    "(id uuid PRIMARY KEY, owner uuid NOT NULL, body jsonb NOT NULL, at timestamptz NOT NULL DEFAULT now())"
)
_INDEX = "CREATE INDEX IF NOT EXISTS bench_rows_owner ON bench_rows (owner, at)"
_INSERT = text("INSERT INTO bench_rows (id, owner, body) VALUES (:id, :owner, :body)")
_UPDATE = text("UPDATE bench_rows SET body = :body WHERE id = :id RETURNING id")
_DELETE = text("DELETE FROM bench_rows WHERE id = :id RETURNING id")
_READ = text("SELECT body FROM bench_rows WHERE owner = :owner ORDER BY at DESC LIMIT 1")
_READ_MANY = text("SELECT id, body FROM bench_rows WHERE id = ANY(:ids)")


class Floor:
    def __init__(self, settings: Settings, organization_id: UUID) -> None:
        self._database = Database(settings, "chat")
        self._redis: Redis = connect_redis(settings)
        self._index = LanceDbIndex(settings.home / "knowledge", settings.retrieval.exact_below)
        self._scope = Scope(organization_id, ("organization", "public"))
        random = np.random.default_rng(6)
        vector = random.standard_normal(DIMENSION)
        self._vector = (vector / np.linalg.norm(vector)).astype(np.float32)
        self._documents: Sequence[UUID] = [uuid4() for _ in range(DEPTH)]

    async def prepare(self) -> None:
        async with self._database.transaction() as session:
            await session.execute(text(_TABLE))
            await session.execute(text(_INDEX))
            for document in self._documents:
                await self._write(session, document, 500)
        await self._redis.set(KEY, b"x" * ANSWER_BYTES, ex=3600)

    async def answer(self, question: str) -> bytes:
        owner = uuid4()
        session_id, asked, answer, reservation, told = (uuid4() for _ in range(5))
        async with self._database.transaction() as session:
            for row in (session_id, asked, answer):
                await self._write(session, row, 200, owner)
            await self._change(session, session_id, 200)
            await self._read(session, owner, 1)
        async with self._database.transaction() as session:
            await self._read(session, owner, 3)
            await self._write(session, reservation, 200, owner)
        async with self._database.transaction() as session:
            await self._read(session, owner, 3)
        await self._redis.get(KEY)
        async with self._database.transaction() as session:
            await self._read(session, owner, 5)
        words, similar = await asyncio.gather(
            self._index.lexical(self._scope, question, DEPTH), self._index.similar(self._scope, self._vector, DEPTH)
        )
        async with self._database.transaction() as session:
            await session.execute(_READ_MANY, {"ids": self._documents})
            await self._read(session, owner, 1)
        found = list({one.chunk_id for one in (*words, *similar)})[:RERANKED]
        await self._index.tokens(self._scope.organization_id, found, "")
        async with self._database.transaction() as session:
            await self._change(session, answer, ANSWER_BYTES)
            await self._write(session, uuid4(), TRACE_BYTES, owner)
            await self._write(session, told, 500, owner)
        async with self._database.transaction() as session:
            await self._read(session, owner, 1)
            await session.execute(_DELETE, {"id": reservation})
            await self._write(session, uuid4(), 200, owner)
        async with self._database.transaction() as session:
            await session.execute(_DELETE, {"id": told})
        await self._redis.set(KEY, b"x" * ANSWER_BYTES, ex=3600)
        return orjson.dumps({"answer": "x" * ANSWER_BYTES})

    async def clean(self) -> None:
        async with self._database.transaction() as session:
            await session.execute(text("DROP TABLE IF EXISTS bench_rows"))
        await self._redis.unlink(KEY)
        await self._redis.aclose()
        await self._database.close()

    async def _write(self, session: AsyncSession, row: UUID, size: int, owner: UUID | None = None) -> None:
        await session.execute(_INSERT, {"id": row, "owner": owner or row, "body": _body(size)})

    async def _change(self, session: AsyncSession, row: UUID, size: int) -> None:
        await session.execute(_UPDATE, {"id": row, "body": _body(size)})

    async def _read(self, session: AsyncSession, owner: UUID, times: int) -> None:
        for _ in range(times):
            (await session.execute(_READ, {"owner": owner})).all()


def _body(size: int) -> str:
    return orjson.dumps({"text": "x" * size}).decode()


def bare_app(settings: Settings, organization_id: UUID) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        app.state.floor = floor = Floor(settings, organization_id)
        await floor.prepare()
        yield
        await floor.clean()

    app = FastAPI(openapi_url=None, lifespan=lifespan)

    @app.post("/")
    async def bare(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] - the app holds it
        body: dict[str, str] = orjson.loads(await request.body())
        floor: Floor = request.app.state.floor
        return Response(await floor.answer(body["message"]), media_type="application/json")

    return app


@asynccontextmanager
async def chat_floor(settings: Settings, organization_id: str, port: int) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the bare route, which runs in a process of its own."""
    async with running_route(settings, "scripts.bench.chat_floor", port, organization_id) as http:
        yield http


if __name__ == "__main__":
    app = bare_app(load_settings(), UUID(sys.argv[2]))
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
