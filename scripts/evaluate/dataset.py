"""A retrieval collection on disk: documents, questions, and which documents answer which question.

`DIR/corpus.jsonl` {"_id", "title", "text"}; in DIR or a folder below it `queries.jsonl` and `qrels.tsv`.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from libs.evaluation.folder_format import FormatError, json_lines, judgements, text_of
from libs.evaluation.reporting import JudgedQuestion
from scripts.api import ApiError


@dataclass(frozen=True)
class CorpusDocument:
    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Dataset:
    """`fingerprint` changes with the corpus."""

    name: str
    fingerprint: str
    documents: list[CorpusDocument]
    questions: list[JudgedQuestion]


def read_dataset(folder: Path, split: str | None) -> Dataset:
    """`split` names the folder of the questions; without it DIR's own stand, else those in DIR/public.

    Raises ApiError, naming the file and the line.
    """
    asked = questions_folder(folder, split)
    documents = read_documents(folder)
    with named(asked / "qrels.tsv"):
        relevant = judgements(read_text(asked / "qrels.tsv"))
    queries = asked / "queries.jsonl"
    with named(queries):
        questions = [
            JudgedQuestion(identifier, text_of(row, "text", queries.name, number), relevant[identifier])
            for number, row in json_lines(read_text(queries), queries.name)
            if (identifier := text_of(row, "_id", queries.name, number)) in relevant
        ]
    if not questions:
        raise ApiError(f"{asked} has no question with a relevant document.")
    return Dataset(folder.resolve().name, fingerprint_of(folder), documents, questions)


def read_documents(folder: Path) -> list[CorpusDocument]:
    """Those of `corpus.jsonl`. Raises ApiError, naming the file and the line."""
    corpus = folder / "corpus.jsonl"
    with named(corpus):
        documents = [
            CorpusDocument(
                text_of(row, "_id", corpus.name, number),
                str(row.get("title") or ""),
                text_of(row, "text", corpus.name, number),
            )
            for number, row in json_lines(read_text(corpus), corpus.name)
        ]
    documents = [document for document in documents if document.title.strip() or document.text.strip()]
    if not documents:
        raise ApiError(f"{corpus} has no documents.")
    return documents


def fingerprint_of(folder: Path) -> str:
    return sha256((folder / "corpus.jsonl").read_bytes()).hexdigest()[:12]


def questions_folder(folder: Path, split: str | None) -> Path:
    if split is not None:
        return folder / split
    return folder if (folder / "queries.jsonl").exists() else folder / "public"


def read_text(file: Path) -> str:
    """Raises ApiError."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ApiError(f"{file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ApiError(f"{file} isn't UTF-8 text.") from error


@contextmanager
def named(file: Path) -> Generator[None]:
    """Puts the file's name into what is wrong with its lines."""
    try:
        yield
    except FormatError as error:
        raise ApiError(f"{file}, {error}") from error
