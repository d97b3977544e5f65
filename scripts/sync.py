"""`footnote sync`: keeps the organisation's documents in step with a folder or a Git checkout.

What is on the server is asked for each time, by external_id and content hash; here only each source's folder is
remembered. The documents of one source are those whose external_id begins with `sync:<name>/`, so that no other
document is ever touched.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from scripts.api import Api, ApiError
from scripts.ingest import print_skipped
from scripts.progress import Bars, bars, print_failures, print_warnings, until_indexed
from scripts.sending import Sender, readable_extensions
from scripts.sync_roots import SyncedRoots
from scripts.tree import content_hash, files_below

EXTERNAL_ID_MAX_CHARS = 500
NOT_FOUND = 404


@dataclass(frozen=True)
class Remote:
    """A document of the source: `problem` says why its newest content couldn't be read."""

    document_id: str
    sha256: str | None
    problem: str | None = None


@dataclass
class Plan:
    """What makes the server's documents those of the folder; every path is below the source's name."""

    add: list[str] = field(default_factory=list[str])
    update: list[str] = field(default_factory=list[str])
    move: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    delete: list[str] = field(default_factory=list[str])
    unchanged: list[str] = field(default_factory=list[str])


@dataclass
class SyncReport:
    """What was done; `failed` and `warnings` hold (path or external id, reason)."""

    plan: Plan = field(default_factory=Plan)
    added: int = 0
    updated: int = 0
    moved: int = 0
    deleted: int = 0
    skipped: list[Path] = field(default_factory=list[Path])
    failed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    warnings: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    passages: int = 0
    seconds: float = 0.0


def planned(local: Mapping[str, str], remote: Mapping[str, Remote]) -> Plan:
    """What to do, from each local path's hash and the documents that the server has.

    A file that is gone and one that is new, with the same content, are one document that moved; among several the one
    of the same file name, else the first in order.
    """
    plan = Plan()
    for path, sha256 in local.items():
        if path in remote:
            (plan.unchanged if remote[path].sha256 == sha256 else plan.update).append(path)
    new = [path for path in local if path not in remote]
    gone: dict[str | None, list[str]] = defaultdict(list)
    for path in remote:
        if path not in local:
            gone[remote[path].sha256].append(path)
    # Those of the same name choose first, so that no other takes their document.
    for same_name in (True, False):
        for path in list(new):
            candidates = gone[local[path]]
            match = next((old for old in candidates if not same_name or _name(old) == _name(path)), None)
            if match is not None:
                candidates.remove(match)
                new.remove(path)
                plan.move.append((match, path))
    plan.add = new
    plan.delete = [path for candidates in gone.values() for path in candidates]
    return plan


async def sync(
    api: Api,
    root: Path,
    console: Console,
    *,
    roots: SyncedRoots,
    name: str | None = None,
    dry_run: bool = False,
    allow_empty: bool = False,
    yes: bool = False,
    fields: dict[str, Any] | None = None,
) -> SyncReport:
    """Brings the server's documents in step with `root` and waits until they are searchable.

    A file that can't be read keeps its document. Raises ApiError where the folder is missing, or empty
    without `allow_empty`, or without `yes` may be another than the documents came from.
    """
    started = time.monotonic()
    prefix = source_prefix(root, name)
    paths = await asyncio.to_thread(files_below, root)
    extensions = await readable_extensions(api)
    report = SyncReport()
    readable = [path for path in paths if _readable(path, extensions)]
    local = await asyncio.to_thread(_hashes, root, readable, report.failed)
    unread = {path for path, _ in report.failed}
    report.skipped = [root / path for path in paths if path not in local and path not in unread]
    remote = {path: document for path, document in (await _remote(api, prefix)).items() if path not in unread}
    if not local and remote and not allow_empty:
        raise ApiError(
            f"{str(root)!r} has no file to keep, and {len(remote)} documents came from it. "
            "Say --allow-empty to delete them."
        )
    report.plan = planned(local, remote)
    if not dry_run:
        if not yes:
            roots.require(prefix, root, report.plan, documents=len(remote))
        roots.remember(prefix, root)
        with bars(console) as shown:
            await _apply(api, root, prefix, report, remote, fields or {}, extensions, shown)
    report.seconds = time.monotonic() - started
    return report


def source_prefix(root: Path, name: str | None) -> str:
    """What the external_id of each of the source's documents begins with. Raises ApiError for a name with a slash."""
    chosen = name or root.resolve().name
    if not chosen or "/" in chosen:
        raise ApiError(f"{chosen!r} can't name a source. Give one without a slash with --name.")
    return f"sync:{chosen}/"


def print_sync(report: SyncReport, console: Console, *, dry_run: bool) -> None:
    plan = report.plan
    if dry_run:
        for what, paths in (("add", plan.add), ("update", plan.update), ("delete", plan.delete)):
            for path in paths:
                console.print(f"  {what} {path}", markup=False, highlight=False)
        for old, new in plan.move:
            console.print(f"  move {old} to {new}", markup=False, highlight=False)
        counts = (len(plan.add), len(plan.update), len(plan.move), len(plan.delete))
    else:
        counts = (report.added, report.updated, report.moved, report.deleted)
    added, updated, moved, deleted = counts
    console.print(
        f"{'would be ' if dry_run else ''}{added} added, {updated} updated, {moved} moved, {deleted} deleted, "
        f"{len(plan.unchanged)} unchanged, {len(report.failed)} failed; {report.passages} passages "
        f"in {report.seconds:.1f} s"
    )
    print_failures(report.failed, console)
    print_warnings(report.warnings, console)
    print_skipped(report.skipped, console)


async def _apply(
    api: Api,
    root: Path,
    prefix: str,
    report: SyncReport,
    remote: Mapping[str, Remote],
    fields: dict[str, Any],
    extensions: frozenset[str],
    shown: Bars,
) -> None:
    plan = report.plan
    for old, new in plan.move:
        report.moved += await _move(api, remote[old].document_id, prefix + new, report)
    sender = Sender(api, extensions, fields)
    changed = [*plan.add, *plan.update]
    sending = shown.add("sent", len(changed))
    for count, path in enumerate(changed, start=1):
        if len(prefix + path) > EXTERNAL_ID_MAX_CHARS:
            report.failed.append((prefix + path, f"its path has more than {EXTERNAL_ID_MAX_CHARS} characters"))
        else:
            await sender.send(root / path, prefix + path)
        shown.show(sending, count)
    await sender.flush()
    accepted = sender.sent.accepted
    updates = {prefix + path for path in plan.update}
    report.updated = sum(external_id in updates for external_id in accepted.values())
    report.added = len(accepted) - report.updated
    report.skipped += sender.sent.skipped
    indexed = await until_indexed(api, accepted, shown)
    report.passages, report.warnings = indexed.passages, indexed.warnings
    report.failed += sender.sent.failed + indexed.failed
    report.failed += [(prefix + path, problem) for path in plan.unchanged if (problem := remote[path].problem)]
    for path in plan.delete:
        report.deleted += await _delete(api, remote[path].document_id, prefix + path, report)


async def _move(api: Api, document_id: str, external_id: str, report: SyncReport) -> bool:
    try:
        await api.call("PUT", f"/documents/{document_id}/external_id", json={"external_id": external_id})
    except ApiError as error:
        report.failed.append((external_id, str(error)))
        return False
    return True


async def _delete(api: Api, document_id: str, external_id: str, report: SyncReport) -> bool:
    try:
        await api.call("DELETE", f"/documents/{document_id}")
    except ApiError as error:
        if error.status != NOT_FOUND:
            report.failed.append((external_id, str(error)))
            return False
    return True


async def _remote(api: Api, prefix: str) -> dict[str, Remote]:
    found: dict[str, Remote] = {}
    cursor: str | None = None
    while True:
        parameters: dict[str, Any] = {"prefix": prefix} | ({"cursor": cursor} if cursor else {})
        page = await api.call("GET", "/documents/inventory", params=parameters)
        for item in page["items"]:
            problem = item["error"]["message"] if item["error"] else None
            found[item["external_id"].removeprefix(prefix)] = Remote(item["document_id"], item["sha256"], problem)
        cursor = page["next_cursor"]
        if not cursor:
            return found


def _hashes(root: Path, paths: list[str], failed: list[tuple[str, str]]) -> dict[str, str]:
    """The hash of each file that has content; one that can't be read is noted as failed."""
    hashes: dict[str, str] = {}
    for path in paths:
        try:
            if (root / path).stat().st_size:
                hashes[path] = content_hash(root / path)
        except OSError as error:
            failed.append((path, error.strerror or str(error)))
    return hashes


def _readable(path: str, extensions: frozenset[str]) -> bool:
    suffix = Path(path).suffix.lower()
    return not suffix or suffix in extensions


def _name(path: str) -> str:
    return path.rpartition("/")[2]
