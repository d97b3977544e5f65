"""Where a word is still kept: in files, in rows, in Redis."""

from pathlib import Path

from redis.asyncio import Redis
from sqlalchemy import text

from libs.stores.postgres import Database

# What PostgreSQL no longer shows it overwrites in its own time; rows are asked for instead. Weights hold many words.
NOT_OURS = {"postgres", "models"}


def holding(home: Path, marker: bytes) -> list[str]:
    """The files of an installation that hold the marker."""
    folders = [folder for folder in home.iterdir() if folder.is_dir() and folder.name not in NOT_OURS]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if marker in bytes_of(path)]


def bytes_of(path: Path) -> bytes:
    """What the file holds: nothing where it went meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


async def rows_holding(database: Database, marker: str) -> list[str]:
    """knowledge's tables that hold the marker."""
    async with database.transaction() as session:
        tables = list(await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'knowledge'")))
        holds = "SELECT count(*) FROM knowledge.{} AS t WHERE t::text LIKE :like"
        queries = {name: text(holds.format(name)) for name in tables}
        return [name for name, query in queries.items() if await session.scalar(query, {"like": f"%{marker}%"})]


async def kept_in_redis(redis: Redis, marker: bytes) -> list[str]:
    """The keys that hold the marker."""
    kept: list[str] = []
    async for key in redis.scan_iter(count=1_000):
        kind = await redis.type(key)
        read = {b"string": redis.get, b"hash": redis.hgetall, b"set": redis.smembers, b"stream": redis.xrange}[kind]
        if marker in key or marker.decode() in str(await read(key)):
            kept.append(key.decode())
    return kept
