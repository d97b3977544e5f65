"""`footnote ingest`: files and folders into the organisation's documents."""

import asyncio
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from scripts.api import Api, ApiError

TEXT_SUFFIXES = frozenset({".md", ".markdown", ".txt"})
FILE_SUFFIXES = frozenset({".html", ".htm", ".pdf", ".docx"})
BATCH_DOCUMENTS = 200
BATCH_CHARS = 3_000_000
POLL_S = 1.0
STALLED_S = 600.0
TITLE_MAX_CHARS = 500
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
TITLE_FIELD = re.compile(r"^title:[ \t]*(\S.*)$", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*)$", re.MULTILINE)


@dataclass
class IngestReport:
    """What became of each file; `failed` holds (file, reason)."""

    accepted: int = 0
    skipped: list[Path] = field(default_factory=list[Path])
    failed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    passages: int = 0
    seconds: float = 0.0


def found_files(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Each file with its external id: its path below the folder that was named."""
    for path in paths:
        if path.is_dir():
            files = (file for file in sorted(path.rglob("*")) if file.is_file())
            visible = (file for file in files if not any(part.startswith(".") for part in file.relative_to(path).parts))
            yield from ((file, f"{path.name}/{file.relative_to(path)}") for file in visible)
        elif path.exists():
            yield path, path.name
        else:
            raise ApiError(f"There is no file or folder {str(path)!r}.")


async def ingest(api: Api, paths: list[Path], console: Console, category: str | None = None) -> IngestReport:
    """Uploads every file that can be read and waits until each is indexed or has failed."""
    started = time.monotonic()
    report = IngestReport()
    documents: dict[str, str] = {}
    files = list(found_files(paths))
    with _progress(console) as progress:
        sending = progress.add_task("sent", total=len(files))
        batch: list[dict[str, Any]] = []
        for file, external_id in files:
            fields = {"external_id": external_id} | ({"category": category} if category else {})
            suffix = file.suffix.lower()
            if suffix in TEXT_SUFFIXES and (text := _text_of(file)) is not None:
                batch.append({"title": title_of(text) or file.stem, "text": text, **fields})
                if len(batch) >= BATCH_DOCUMENTS or sum(len(item["text"]) for item in batch) > BATCH_CHARS:
                    await _send_batch(api, batch, documents, report)
                    batch = []
            elif suffix in TEXT_SUFFIXES | FILE_SUFFIXES:
                await _send_file(api, file, fields, documents, report)
            else:
                report.skipped.append(file)
            progress.advance(sending)
        if batch:
            await _send_batch(api, batch, documents, report)
        report.accepted = len(documents)
        await _wait_indexed(api, documents, report, progress)
    report.seconds = time.monotonic() - started
    return report


def print_report(report: IngestReport, console: Console) -> None:
    rate = report.accepted / report.seconds if report.seconds else 0.0
    console.print(
        f"{report.accepted - len(report.failed)} documents, {report.passages} passages "
        f"in {report.seconds:.1f} s ({rate:.1f} documents/s)"
    )
    for name, reason in report.failed:
        console.print(f"  failed: {name}: {reason}", markup=False)
    if report.skipped:
        kinds = sorted({file.suffix or file.name for file in report.skipped})
        console.print(f"  skipped {len(report.skipped)} files of other kinds: {', '.join(kinds)}", markup=False)


def title_of(text: str) -> str | None:
    """The title that a Markdown text gives itself: in its front matter, else its first heading."""
    front_matter = FRONT_MATTER.match(text)
    named = TITLE_FIELD.search(front_matter.group()) if front_matter else None
    found = named or HEADING.search(text)
    return found.group(1).strip().strip("\"'")[:TITLE_MAX_CHARS] or None if found else None


def _text_of(file: Path) -> str | None:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


async def _send_batch(api: Api, batch: list[dict[str, Any]], documents: dict[str, str], report: IngestReport) -> None:
    sent = {item["external_id"]: item for item in batch if item["text"].strip()}
    report.failed.extend((item["external_id"], "the file is empty") for item in batch if not item["text"].strip())
    if not sent:
        return
    answer = await api.call("POST", "/documents/batch", json={"documents": list(sent.values())})
    for external_id, item in zip(sent, answer["items"], strict=True):
        documents[item["document_id"]] = external_id


async def _send_file(
    api: Api, file: Path, fields: dict[str, str], documents: dict[str, str], report: IngestReport
) -> None:
    try:
        with file.open("rb") as content:
            answer = await api.call("POST", "/documents", files={"file": (file.name, content)}, data=fields)
    except ApiError as error:
        if error.code == "QUOTA_EXCEEDED":
            raise
        report.failed.append((fields["external_id"], str(error)))
        return
    documents[answer["document_id"]] = fields["external_id"]


async def _wait_indexed(api: Api, documents: dict[str, str], report: IngestReport, progress: Progress) -> None:
    indexing = progress.add_task("indexed", total=len(documents))
    waiting = set(documents)
    moved_at = time.monotonic()
    while waiting:
        unfinished = {
            item["document_id"] for status in ("pending", "processing") for item in await _listed(api, status)
        }
        if len(waiting & unfinished) < len(waiting):
            moved_at = time.monotonic()
        waiting &= unfinished
        progress.update(indexing, completed=len(documents) - len(waiting))
        if waiting and time.monotonic() - moved_at > STALLED_S:
            raise ApiError(f"{len(waiting)} documents have been waiting for {STALLED_S:g} s. Run 'footnote doctor'.")
        if waiting:
            await asyncio.sleep(POLL_S)
    for item in await _listed(api, "failed"):
        if item["document_id"] in documents:
            report.failed.append((documents[item["document_id"]], item["error"]["message"]))
    for item in await _listed(api, "completed"):
        if item["document_id"] in documents:
            report.passages += item["chunk_count"]


async def _listed(api: Api, status: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        parameters = {"status": status, "limit": 100} | ({"cursor": cursor} if cursor else {})
        page = await api.call("GET", "/documents", params=parameters)
        items += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return items


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
