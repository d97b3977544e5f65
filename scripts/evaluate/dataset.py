"""A retrieval collection on disk: documents, questions, and which documents answer which question.

`DIR/corpus.jsonl` {"_id", "title", "text"}; in DIR or a folder below it `queries.jsonl` {"_id", "text"} and
`qrels.tsv` (header; query-id, corpus-id, score), as BEIR's collections have them (Thakur et al. 2021).
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from scripts.api import ApiError


@dataclass(frozen=True)
class CorpusDocument:
    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Query:
    """`relevant` gives each judged document's grade; those above 0 are relevant.

    `answers` are the runs of the documents' text that answer it, where the collection names them.
    """

    id: str
    text: str
    relevant: dict[str, int]
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """`fingerprint` changes with the corpus."""

    name: str
    fingerprint: str
    documents: list[CorpusDocument]
    queries: list[Query]


def read_dataset(folder: Path, split: str | None) -> Dataset:
    """`split` names the folder of the questions; without it DIR's own stand, else those in DIR/public.

    Raises ApiError, naming the file and the line.
    """
    corpus = folder / "corpus.jsonl"
    questions = _questions_folder(folder, split)
    documents = [
        CorpusDocument(_text(row, "_id", where), str(row.get("title") or ""), _text(row, "text", where))
        for where, row in _rows(corpus)
    ]
    documents = [document for document in documents if document.title.strip() or document.text.strip()]
    if not documents:
        raise ApiError(f"{corpus} has no documents.")
    relevant = _judgements(questions / "qrels.tsv")
    queries = [
        Query(identifier, _text(row, "text", where), relevant[identifier], _answers(row, where))
        for where, row in _rows(questions / "queries.jsonl")
        if (identifier := _text(row, "_id", where)) in relevant
    ]
    if not queries:
        raise ApiError(f"{questions} has no question with a relevant document.")
    fingerprint = sha256(corpus.read_bytes()).hexdigest()[:12]
    return Dataset(folder.resolve().name, fingerprint, documents, queries)


def _questions_folder(folder: Path, split: str | None) -> Path:
    if split is not None:
        return folder / split
    return folder if (folder / "queries.jsonl").exists() else folder / "public"


def _rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's place and object."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise ApiError(f"{file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ApiError(f"{file} isn't UTF-8 text.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{file}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ApiError(f"{where}: not JSON ({error}).") from error
        if not isinstance(row, dict):
            raise ApiError(f"{where}: not an object.")
        yield where, row


def _text(row: dict[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str | int):
        raise ApiError(f"{where}: {key!r} is missing or no text.")
    return str(value)


def _answers(row: dict[str, Any], where: str) -> tuple[str, ...]:
    """As Chroma's chunking evaluation has them: "references": [{"content": "…"}]."""
    return tuple(_text(reference, "content", where) for reference in row.get("references") or ())


def _judgements(file: Path) -> dict[str, dict[str, int]]:
    """Of each question with at least one relevant document."""
    grades: dict[str, dict[str, int]] = {}
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            for number, fields in enumerate(csv.reader(lines, delimiter="\t"), 1):
                if number == 1 or not fields:
                    continue
                try:
                    query, document, grade = fields
                    grades.setdefault(query, {})[document] = int(grade)
                except ValueError as error:
                    raise ApiError(f"{file}, line {number}: not 'query-id, corpus-id, score'.") from error
    except OSError as error:
        raise ApiError(f"{file} can't be read: {error.strerror}.") from error
    return {query: judged for query, judged in grades.items() if any(grade > 0 for grade in judged.values())}
