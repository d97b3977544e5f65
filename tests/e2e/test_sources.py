"""Documents from elsewhere, through the gateway and between real processes."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from scripts import resuming, sending
from scripts.api import Api
from scripts.sync import sync
from scripts.sync_roots import SyncedRoots
from tests.stack import Stack, until


async def test_a_folder_with_a_large_file_is_synchronised_through_the_gateway(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "FROM_BYTES", 1_000)
    monkeypatch.setattr(resuming, "PART_BYTES", 10_000)
    root = tmp_path / "guide"
    root.mkdir()
    (root / "boats.md").write_text("# Boats\n\nThe boat leaves at noon.\n")
    (root / "large.html").write_text("<p>The museum opens at ten.</p>\n" * 1_000)

    async with stack.member() as member:
        api = Api(member.http)
        roots = SyncedRoots(tmp_path / "synced-folders.json", "member")

        async def synced() -> dict[str, Any]:
            report = await sync(api, root, Console(quiet=True), roots=roots)
            assert report.failed == []
            return {"added": report.added, "moved": report.moved, "deleted": report.deleted}

        assert await synced() == {"added": 2, "moved": 0, "deleted": 0}
        (root / "boats.md").rename(root / "ferries.md")
        (root / "large.html").unlink()
        assert await synced() == {"added": 0, "moved": 1, "deleted": 1}
        found = (await member.http.post("/search", json={"query": "boat museum"})).json()["results"]
        assert [result["external_id"] for result in found] == ["sync:guide/ferries.md"]


async def test_nobody_makes_the_platform_fetch_from_its_own_network(stack: Stack) -> None:
    async with stack.member() as member:
        for url in (f"{stack.url}/health/detailed", "http://169.254.169.254/latest/meta-data/", "http://localhost:80/"):
            answer = await member.http.post("/documents/web", json={"url": url})
            assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")
        credentials = {"access_key_id": "key", "secret_access_key": "secret"}
        bucket = {"kind": "s3", "bucket": "reports", "credentials": credentials}
        sources: list[str] = []
        for body in (
            {"address": "http://127.0.0.1/"},
            bucket | {"endpoint": "http://169.254.169.254:443"},
            bucket | {"endpoint": "https://localhost"},
        ):
            named = await member.http.post("/documents/sources", json=body)
            assert named.status_code == 201
            sources.append(named.json()["source_id"])
        for source in sources:

            async def error_of_the_run(source: str = source) -> str | None:
                runs = (await member.http.get(f"/documents/sources/{source}/runs")).json()["items"]
                return runs[0]["error"] if runs else None

            assert "no public address" in await until(error_of_the_run)
