"""What a run changed."""

from collections import Counter
from dataclasses import dataclass, field

ENDINGS_SHOWN = 50


@dataclass
class Report:
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    moved: int = 0
    deleted: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])
    failures: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    error: str | None = None
