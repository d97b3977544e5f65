"""Real files of every format, well-formed and hostile: each ends as its manifest expects, and a table says how.

The smoke reads the smallest of each format and expectation.
"""

import json
from pathlib import Path

from rich.console import Console

from scripts.parse import Outcome, parse_files, table
from services.knowledge.parsing.document import FailureCode, ParseFailure, ParseLimits

# What the manifest expects, as the outside sees it, and what parsing calls it; None is a text.
EXPECTED = {
    "ok": (None,),
    "ok_bounded": (None,),
    "empty": (FailureCode.EMPTY,),
    "empty_or_ocr": (None, FailureCode.EMPTY),
    "needs_password": (FailureCode.ENCRYPTED,),
    "truncated": (FailureCode.CORRUPT,),
    "corrupt": (FailureCode.CORRUPT,),
    "reject": tuple(FailureCode),
    "ok_or_reject": (None, *FailureCode),
}
MOST_BYTES = 1_500_000_000


def objections(entry: dict, outcome: Outcome) -> list[str]:
    if outcome.peak_bytes > MOST_BYTES:
        return [f"took {outcome.peak_bytes:,} bytes"]
    if isinstance(outcome.result, ParseFailure):
        code = outcome.result.code
        return [] if code in EXPECTED[entry["expect"]] else [f"{code}, expected {entry['expect']}"]
    if None not in EXPECTED[entry["expect"]]:
        return [f"read, expected {entry['expect']}"]
    text = " ".join(outcome.result.text.split())
    missing = [f"no {phrase!r}" for phrase in entry["phrases"] if " ".join(phrase.split()) not in text]
    return missing + [f"holds {phrase!r}" for phrase in entry["must_not"] if phrase in outcome.result.text]


def smallest_of_each(entries: list[dict], documents: Path) -> list[dict]:
    by_size = sorted(entries, key=lambda entry: (documents / entry["file"]).stat().st_size, reverse=True)
    return list({(Path(entry["file"]).suffix, entry["expect"]): entry for entry in by_size}.values())


async def test_public_documents_end_as_expected(data_dir: Path, full: bool, capsys):
    documents = data_dir / "documents"
    entries = [json.loads(line) for line in (documents / "manifest.jsonl").read_text().splitlines()]
    if not full:
        entries = smallest_of_each(entries, documents)
    outcomes = await parse_files(
        [documents / entry["file"] for entry in entries], ParseLimits(cpu_seconds=120, wall_seconds=250)
    )
    with capsys.disabled():
        Console(width=200).print("\n", table(outcomes), highlight=False)
    wrong = {
        entry["file"]: found
        for entry, outcome in zip(entries, outcomes, strict=True)
        if (found := objections(entry, outcome))
    }
    assert not wrong
