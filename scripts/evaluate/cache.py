"""`footnote eval cache`: reworded questions against the cache of answers, beside the other questions on their passage.

Each question of the data has an answer in the cache. A reworded one should find its own; that of any other question is
wrong, however near. Without its own in the cache it should find none. The wordings are ours, `data/` has them by the
questions' ids; those of every second document were used to set the cache's rules, the others were not.
"""

import html
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from libs.config.settings import Settings
from libs.evaluation.folder_format import json_lines, text_of
from libs.evaluation.page import STYLE
from libs.stores.weights import WeightsStore
from scripts.api import ApiError
from scripts.evaluate.dataset import read_dataset, read_text
from services.chat.answer_cache.near import SIMILAR, Candidates, NearQuestion, NearQuestions, candidates_of, nearest
from services.chat.answer_cache.store import LookedUp
from services.embedding.backends import load_model

PARAPHRASES = Path(__file__).parent / "data" / "squad2_paraphrases.jsonl"
BATCH_TEXTS = 32
SPACE = "one model"
SCOPE, OTHER_SCOPE = "a", "b"
HALVES = ("set on", "held out")
MOST_WRONG, LEAST_HIT = 0.01, 0.5


@dataclass(frozen=True)
class Reworded:
    """`half` is 0 for those the rules were set on."""

    question_id: str
    text: str
    half: int


@dataclass
class Found:
    """Of `asked` reworded questions: how many found their own, and how many another question's, with theirs there and
    without; `near` are the other questions on the same documents, and `across` hits in other scopes and organisations.
    `milliseconds` is how long each look-up took, the embedding left out.
    """

    name: str
    asked: int = 0
    hits: int = 0
    wrong: int = 0
    wrong_without_own: int = 0
    near: int = 0
    across: int = 0
    milliseconds: list[float] = field(default_factory=list[float])

    @property
    def hit_rate(self) -> float:
        return self.hits / self.asked

    @property
    def wrong_rate(self) -> float:
        """The worse of the two ways."""
        return max(self.wrong, self.wrong_without_own) / self.asked


def evaluate_cache(console: Console, settings: Settings, data: Path, split: str | None, file: Path, out: Path) -> bool:
    """False where it hits too rarely or wrongly too often. Raises ApiError."""
    dataset = read_dataset(data, split)
    texts = {question.id: question.text for question in dataset.questions}
    documents = {question.id: min(question.relevant) for question in dataset.questions}
    reworded = read_reworded(file, documents)
    model = load_model(settings.embedding.backend, settings.embedding.model, WeightsStore(settings.models_dir))
    every = [*texts.values(), *(one.text for one in reworded)]
    vectors = np.concatenate(
        [
            model.encode(model.tokenizer.read(every[start : start + BATCH_TEXTS])).vectors
            for start in range(0, len(every), BATCH_TEXTS)
        ]
    )
    kept = [
        NearQuestion(f"{SCOPE}:{name}", SPACE, text, vector)
        for (name, text), vector in zip(texts.items(), vectors[: len(texts)], strict=True)
    ]
    found = [_measure(name, half, reworded, vectors[len(texts) :], kept, documents) for half, name in enumerate(HALVES)]
    found.append(_sum(found))
    milliseconds = statistics.median(found[-1].milliseconds)
    _print(found, len(kept), milliseconds, console)
    for written in _write(found, len(kept), milliseconds, out):
        console.print(f"Written: {written}", highlight=False)
    return found[-1].hit_rate >= LEAST_HIT and found[-1].wrong_rate <= MOST_WRONG and not found[-1].across


def read_reworded(file: Path, documents: dict[str, str]) -> list[Reworded]:
    """The wordings whose questions the data has. Raises ApiError where it has none."""
    rows = [
        (text_of(row, "query_id", file.name, number), text_of(row, "text", file.name, number))
        for number, row in json_lines(read_text(file), file.name)
    ]
    known = [(name, text) for name, text in rows if name in documents]
    if not known:
        raise ApiError(f"{file} has no wording of a question of this data.")
    order = sorted({documents[name] for name, _ in known})
    halves = {document: number % len(HALVES) for number, document in enumerate(order)}
    return [Reworded(name, text, halves[documents[name]]) for name, text in known]


def _measure(
    name: str,
    half: int,
    reworded: Sequence[Reworded],
    vectors: NDArray[np.float32],
    kept: Sequence[NearQuestion],
    documents: dict[str, str],
) -> Found:
    found = Found(name)
    texts = {one.field: " ".join(one.question.casefold().split()) for one in kept}
    organization = uuid4()
    cache = NearQuestions()
    cache.learn(organization, LookedUp(None, "all", 0, 0, [one.packed() for one in kept]))
    for one, vector in zip(reworded, vectors, strict=True):
        if one.half != half:
            continue
        own = f"{SCOPE}:{one.question_id}"
        # Questions that are the same to the letter have one place in the cache.
        same = {field for field, text in texts.items() if text == texts[own]}
        near = sum(document == documents[one.question_id] for document in documents.values()) - 1
        started = time.perf_counter()
        there = _field(one.text, vector, cache.of(organization, SCOPE, SPACE))
        found.milliseconds.append((time.perf_counter() - started) * 1000)
        alone = _field(one.text, vector, candidates_of([other for other in kept if other.field not in same]))
        others = (cache.of(organization, OTHER_SCOPE, SPACE), cache.of(uuid4(), SCOPE, SPACE))
        found.asked += 1
        found.near += near
        found.hits += there in same
        found.wrong += there is not None and there not in same
        found.wrong_without_own += alone is not None
        found.across += any(_field(one.text, vector, other) for other in others)
    return found


def _field(text: str, vector: NDArray[np.float32], kept: Candidates | None) -> str | None:
    found = nearest(text, vector, kept)
    return found.field if found and found.difference is None else None


def _sum(parts: Sequence[Found]) -> Found:
    whole = Found("all")
    for part in parts:
        for name in ("asked", "hits", "wrong", "wrong_without_own", "near", "across", "milliseconds"):
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
    return whole


_COLUMNS = ("reworded", "near misses", "hit", "wrong", "wrong without own", "across")


def _rows(found: Sequence[Found]) -> list[tuple[str, ...]]:
    return [
        (
            one.name,
            str(one.asked),
            str(one.near),
            f"{one.hit_rate:.1%}",
            f"{one.wrong / one.asked:.1%}",
            f"{one.wrong_without_own / one.asked:.1%}",
            str(one.across),
        )
        for one in found
    ]


def _print(found: Sequence[Found], kept: int, milliseconds: float, console: Console) -> None:
    console.print(
        f"{kept:,} questions kept, similar from {SIMILAR}; "
        f"{milliseconds:.1f} ms is the median look-up without embedding",
        highlight=False,
    )
    table = Table("", *_COLUMNS, box=None)
    for row in _rows(found):
        table.add_row(*row)
    console.print(table)


def _write(found: Sequence[Found], kept: int, milliseconds: float, folder: Path) -> list[Path]:
    """`cache.json` and `cache.html` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    told = {"made_at": made_at, "kept": kept, "similar": SIMILAR, "lookup_ms": round(milliseconds, 2)}
    data, page = folder / "cache.json", folder / "cache.html"
    measured = [
        {**asdict(replace(one, milliseconds=[])), "hit_rate": one.hit_rate, "wrong_rate": one.wrong_rate}
        for one in found
    ]
    data.write_text(json.dumps({**told, "found": measured}, indent=1))
    head = "".join(f"<th>{name}</th>" for name in ("questions", *_COLUMNS))
    body = "".join(
        "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for tag, cell in zip(_tags(row), row, strict=True))
        for row in _rows(found)
    )
    page.write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Cache of answers</title>'
        f"<style>{STYLE}</style></head><body><h1>Cache of answers</h1>"
        f"<p>{kept:,} questions kept, similar from {SIMILAR}, {html.escape(made_at)}.</p>"
        f"<table><thead><tr>{head}</tr></thead>{body}</table></body></html>\n"
    )
    return [data, page]


def _tags(row: Sequence[str]) -> list[str]:
    return ["th", *["td"] * (len(row) - 1)]
