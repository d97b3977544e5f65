"""`footnote ingest`: files and folders into the organisation's documents."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from scripts.api import Api, ApiError
from scripts.progress import bars, print_failures, print_warnings, until_indexed
from scripts.sending import Sender, readable_extensions


@dataclass
class IngestReport:
    """What became of each file; `failed` and `warnings` hold (file, reason)."""

    accepted: int = 0
    indexed: int = 0
    skipped: list[Path] = field(default_factory=list[Path])
    failed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    warnings: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    passages: int = 0
    seconds: float = 0.0


def found_files(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """Each file once with its external id: its path below the folder that was named.

    Raises ApiError where a path is missing, or where two files have one external id: one would replace the other.
    """
    files: dict[str, Path] = {}
    for file, external_id in _found(paths):
        first = files.setdefault(external_id, file)
        if first.resolve() != file.resolve():
            raise ApiError(
                f"{str(first)!r} and {str(file)!r} would both be {external_id!r}, so that one replaces the other. "
                "Name a folder that holds both, or rename one."
            )
    return [(file, external_id) for external_id, file in files.items()]


def _found(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    for path in paths:
        if path.is_dir():
            files = (file for file in sorted(path.rglob("*")) if file.is_file())
            visible = (file for file in files if not any(part.startswith(".") for part in file.relative_to(path).parts))
            yield from ((file, f"{path.name}/{file.relative_to(path)}") for file in visible)
        elif path.exists():
            yield path, path.name
        else:
            raise ApiError(f"There is no file or folder {str(path)!r}.")


async def ingest(
    api: Api, paths: list[Path], console: Console, fields: Mapping[str, Any] | None = None
) -> IngestReport:
    """Uploads every file that can be read and waits until each is indexed or has failed; `fields` are said of each."""
    started = time.monotonic()
    files = found_files(paths)
    sender = Sender(api, await readable_extensions(api), dict(fields or {}))
    with bars(console) as shown:
        sending = shown.add("sent", len(files))
        for count, (file, external_id) in enumerate(files, start=1):
            await sender.send(file, external_id)
            shown.show(sending, count)
        await sender.flush()
        indexed = await until_indexed(api, sender.sent.accepted, shown)
    return IngestReport(
        accepted=len(sender.sent.accepted),
        indexed=indexed.documents,
        skipped=sender.sent.skipped,
        failed=sender.sent.failed + indexed.failed,
        warnings=indexed.warnings,
        passages=indexed.passages,
        seconds=time.monotonic() - started,
    )


def print_report(report: IngestReport, console: Console) -> None:
    rate = report.indexed / report.seconds if report.seconds else 0.0
    console.print(
        f"{report.indexed} documents, {report.passages} passages in {report.seconds:.1f} s ({rate:.1f} documents/s)"
    )
    print_failures(report.failed, console)
    print_warnings(report.warnings, console)
    print_skipped(report.skipped, console)


def print_skipped(skipped: list[Path], console: Console) -> None:
    if skipped:
        kinds = sorted({file.suffix or file.name for file in skipped})
        console.print(
            f"  skipped {len(skipped)} files that are empty or of other kinds: {', '.join(kinds)}", markup=False
        )
