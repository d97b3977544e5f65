"""What the parsing of files yields, as a table."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from services.knowledge.parsing.document import BlockKind, ParsedDocument, ParseFailure, ParseLimits
from services.knowledge.parsing.sandbox import Sandbox

_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file. `peak_bytes` is the parsing process's resident memory, seen 50 times a second."""

    path: Path
    result: ParsedDocument | ParseFailure
    seconds: float
    peak_bytes: int


def files_in(paths: Sequence[Path]) -> Iterator[Path]:
    """The files among the paths and, in order, those below the folders among them."""
    for path in paths:
        yield from sorted(found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]


async def parse_files(paths: Sequence[Path], limits: ParseLimits) -> list[Outcome]:
    """Parses each file in a sandboxed process of its own. Raises `OSError` for one that can't be opened."""
    outcomes: list[Outcome] = []
    async with Sandbox(children=1, documents_per_child=1) as sandbox:
        for path in paths:
            peak = _Peak()
            watching = asyncio.create_task(peak.watch())
            started = time.perf_counter()
            try:
                result: ParsedDocument | ParseFailure = await sandbox.parse(path, path.name, limits)
            except ParseFailure as failure:
                result = failure
            finally:
                watching.cancel()
            outcomes.append(Outcome(path, result, time.perf_counter() - started, peak.bytes))
    return outcomes


class _Peak:
    def __init__(self) -> None:
        self.bytes = 0

    async def watch(self) -> None:
        me = psutil.Process()
        while True:
            for child in me.children():
                with suppress(psutil.Error):
                    self.bytes = max(self.bytes, child.memory_info().rss)
            await asyncio.sleep(_POLL_S)


def table(outcomes: Sequence[Outcome]) -> Table:
    """One row a file: what it is and holds, what it cost, and why it couldn't be read."""
    shown = Table(box=None, pad_edge=False)
    for name in ("file", "type", "language", "title"):
        shown.add_column(name, max_width=40, overflow="ellipsis", no_wrap=True)
    for name in ("characters", "pages", "tables", "seconds", "MB"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("result", max_width=60, overflow="fold")
    for outcome in outcomes:
        shown.add_row(outcome.path.name, *_cells(outcome))
    return shown


def _cells(outcome: Outcome) -> Iterator[str]:
    result = outcome.result
    if isinstance(result, ParsedDocument):
        yield from (
            (result.media_type or "").rpartition("/")[2].rpartition(".")[2],
            result.language or "",
            result.title or "",
        )
        pages = len({block.page for block in result.blocks} - {None})
        tables = sum(block.kind is BlockKind.TABLE for block in result.blocks)
        yield from (f"{len(result.text):,}", str(pages or ""), str(tables or ""))
    else:
        yield from [""] * 6
    yield from (f"{outcome.seconds:.2f}", f"{outcome.peak_bytes / 2**20:.0f}")
    yield (
        f"{result.code}: {result.message}" if isinstance(result, ParseFailure) else "; ".join(("ok", *result.warnings))
    )


def print_table(outcomes: Sequence[Outcome], console: Console) -> None:
    console.print(table(outcomes), markup=False, highlight=False)
