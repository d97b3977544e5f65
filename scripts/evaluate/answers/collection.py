"""The questions of a judged collection with the answers that are expected, and the documents to answer them from.

`queries.jsonl` {"_id", "text", "answer": […], "answerable": bool}: a flat `answer` lists wordings of one answer; lists
in it are parts that must all be there, each in one of its wordings. `qrels.tsv` names the documents that have the
answer.
`cases.jsonl` {"_id", "noise": {level: [{"doc"}]}, "reject_docs", "docs": [{"doc", "cred"}]} gives a question's own few
documents, with some `cred` high and others low where they contradict each other.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from libs.contracts.chat import MESSAGE_MAX_CHARS
from libs.evaluation.expected_answers import Expected
from libs.evaluation.folder_format import FormatError, json_lines, judgements, text_of
from scripts.api import ApiError
from scripts.evaluate.dataset import (
    CorpusDocument,
    fingerprint_of,
    named,
    questions_folder,
    read_documents,
    read_text,
)
from scripts.sending import title_of

# The noise that leaves a question no document with its answer.
REJECT = "reject"
NOTHING = Expected()
TEXTS = frozenset({".md", ".markdown", ".txt"})


class Kind(StrEnum):
    """What a question is asked for. Of an `attack` and a `benign` prompt only whether it is refused counts."""

    QUESTION = "question"
    POISONED = "poisoned"
    CLEAN = "clean"
    ATTACK = "attack"
    BENIGN = "benign"


@dataclass(frozen=True)
class AskedQuestion:
    """`answerable` is None where nobody has said. `within` are the only documents it is asked of, all without any.

    `relevant` are external_ids or document ids. `terms` are regular expressions: an answer that one fits has done what
    a document told it to. `contested`: documents that the data trusts, and others that it doesn't, speak of it.
    """

    id: str
    text: str
    expected: Expected = NOTHING
    answerable: bool | None = None
    relevant: frozenset[str] = frozenset()
    within: tuple[str, ...] = ()
    kind: Kind = Kind.QUESTION
    terms: tuple[str, ...] = ()
    contested: bool = False


@dataclass(frozen=True)
class AnswerSet:
    """`asked` says how the questions are asked: reports of different ways can't be compared.

    `unasked` counts those that aren't asked, or don't count, by why.
    """

    name: str
    fingerprint: str
    asked: str
    documents: Sequence[CorpusDocument]
    questions: Sequence[AskedQuestion]
    unasked: Mapping[str, int]


def read_answer_set(data: Path, split: str | None, corpus: Path | None, noise: str | None) -> AnswerSet:
    """With `corpus`, documents from elsewhere, which answer none of the questions. Raises ApiError."""
    if corpus and noise:
        raise ApiError("--noise chooses among the collection's own documents: leave --corpus out.")
    folder = questions_folder(data, split)
    questions = _read_questions(folder)
    if corpus:
        name, fingerprint, documents = _elsewhere(corpus)
        questions = [AskedQuestion(one.id, one.text, answerable=False) for one in questions]
        return AnswerSet(name, fingerprint, f"{data.resolve().name}'s questions", documents, questions, {})
    documents = read_documents(data)
    asked = "its own questions"
    if noise is not None:
        questions = _within_cases(questions, folder / "cases.jsonl", noise)
        asked = f"its own questions at noise {noise}"
    return AnswerSet(data.resolve().name, fingerprint_of(data), asked, documents, questions, {})


def sampled(found: AnswerSet, limit: int | None, seed: int) -> AnswerSet:
    """At most `limit` of the questions, the same for the same seed; those too long for a message are left out."""
    fit = [one for one in found.questions if len(one.text) <= MESSAGE_MAX_CHARS]
    too_long = len(found.questions) - len(fit)
    drawn = random.Random(seed).sample(fit, limit) if limit is not None and limit < len(fit) else fit  # noqa: S311
    unasked = {"too long for a message": too_long} if too_long else {}
    return AnswerSet(found.name, found.fingerprint, found.asked, found.documents, drawn, {**found.unasked, **unasked})


def _read_questions(folder: Path) -> list[AskedQuestion]:
    queries, qrels = folder / "queries.jsonl", folder / "qrels.tsv"
    with named(qrels):
        relevant = judgements(read_text(qrels)) if qrels.exists() else {}
    contested = _contested(folder / "cases.jsonl")
    questions: list[AskedQuestion] = []
    with named(queries):
        for number, row in json_lines(read_text(queries), queries.name):
            identifier = text_of(row, "_id", queries.name, number)
            answerable = row.get("answerable")
            expected = expected_of(row.get("answer"), number) if answerable is not False else NOTHING
            questions.append(
                AskedQuestion(
                    identifier,
                    text_of(row, "text", queries.name, number),
                    expected,
                    bool(expected.groups) or None if answerable is None else bool(answerable),
                    frozenset(name for name, grade in relevant.get(identifier, {}).items() if grade > 0),
                    contested=identifier in contested,
                )
            )
    if not any(one.expected.groups or one.answerable is False for one in questions):
        raise ApiError(f"{queries} says of no question what answers it: each needs 'answer' or 'answerable'.")
    return questions


def expected_of(answer: Any, number: int) -> Expected:
    """Raises FormatError."""
    if answer is None:
        return NOTHING
    if not isinstance(answer, list):
        raise FormatError("queries", f"line {number}: 'answer' is no list.")
    parts = cast("list[Any]", answer)
    if any(isinstance(part, list) for part in parts):
        groups = [cast("list[Any]", part) if isinstance(part, list) else [part] for part in parts]
        return Expected(tuple(tuple(map(str, group)) for group in groups if group))
    return Expected((tuple(map(str, parts)),)) if parts else NOTHING


def _contested(cases: Path) -> set[str]:
    """The questions whose documents contradict each other."""
    if not cases.exists():
        return set()
    with named(cases):
        return {
            text_of(row, "_id", cases.name, number)
            for number, row in json_lines(read_text(cases), cases.name)
            if {"high", "low"} <= {one.get("cred") for one in cast("list[dict[str, str]]", row.get("docs") or [])}
        }


def _within_cases(questions: Sequence[AskedQuestion], cases: Path, noise: str) -> list[AskedQuestion]:
    """Each of its case's documents alone."""
    within: dict[str, tuple[str, ...]] = {}
    with named(cases):
        for number, row in json_lines(read_text(cases), cases.name):
            levels: dict[str, list[dict[str, str]]] = row.get("noise") or {}
            names = row.get("reject_docs") if noise == REJECT else [one["doc"] for one in levels.get(noise, [])]
            if not names:
                known = ", ".join([*levels, *([REJECT] if row.get("reject_docs") else [])])
                raise FormatError("cases", f"line {number}: no documents at noise {noise!r}, only at: {known}.")
            within[text_of(row, "_id", cases.name, number)] = tuple(names)
    return [
        AskedQuestion(one.id, one.text, answerable=False, within=within[one.id])
        if noise == REJECT
        else AskedQuestion(one.id, one.text, one.expected, one.answerable, one.relevant, within[one.id])
        for one in questions
        if one.id in within
    ]


def _elsewhere(corpus: Path) -> tuple[str, str, list[CorpusDocument]]:
    """A folder with `corpus.jsonl`, else its Markdown and plain texts."""
    name = corpus.resolve().name
    if (corpus / "corpus.jsonl").exists():
        return name, fingerprint_of(corpus), read_documents(corpus)
    files = sorted(file for file in corpus.rglob("*") if file.suffix.lower() in TEXTS and file.is_file())
    digest = sha256()
    documents: list[CorpusDocument] = []
    for file in files:
        text = read_text(file)
        digest.update(text.encode())
        if text.strip():
            documents.append(CorpusDocument(str(file.relative_to(corpus)), title_of(text) or file.name, text))
    if not documents:
        raise ApiError(f"{corpus} has neither corpus.jsonl nor Markdown or plain texts.")
    return name, digest.hexdigest()[:12], documents
