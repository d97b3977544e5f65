"""Questions and judgements as BEIR's collections have them (Thakur et al. 2021).

`queries.jsonl`: {"_id", "text"} a line, with "answerable": false where no document answers it.
`qrels.tsv`: a header, then query-id, corpus-id and score, separated by tabs.
"""

import csv
import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from libs.contracts.errors import told
from libs.contracts.evaluation import Judgement, NewQuestionSet, Question


class FormatError(ValueError):
    """The message names the line; `part` is "queries" or "qrels"."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


def json_lines(text: str, part: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number and object. Raises FormatError."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise FormatError(part, f"line {number}: not JSON ({error}).") from error
        if not isinstance(row, dict):
            raise FormatError(part, f"line {number}: not an object.")
        yield number, row


def text_of(row: dict[str, Any], key: str, part: str, number: int) -> str:
    value = row.get(key)
    if not isinstance(value, str | int):
        raise FormatError(part, f"line {number}: {key!r} is missing or no text.")
    return str(value)


def judgements(text: str) -> dict[str, dict[str, int]]:
    """Document to grade, of each question with at least one relevant document. Raises FormatError."""
    grades: dict[str, dict[str, int]] = {}
    lines = csv.reader(text.splitlines(), delimiter="\t")
    while True:
        try:
            fields = next(lines, None)
            if fields is None:
                break
            if lines.line_num == 1 or not fields:
                continue
            query, document, grade = fields
            grades.setdefault(query, {})[document] = int(grade)
        except (ValueError, csv.Error) as error:
            raise FormatError("qrels", f"line {lines.line_num}: not 'query-id, corpus-id, score'.") from error
    return {query: judged for query, judged in grades.items() if any(grade > 0 for grade in judged.values())}


def first_finding(error: ValidationError) -> tuple[str, str]:
    """The field that pydantic complains of first, and what it says of it."""
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"]))
    return field, f"{field}: {told(first)}" if field else told(first)


def question_set(name: str, queries: str, qrels: str) -> NewQuestionSet:
    """The questions that have a relevant document, which documents are by their external_id, and the unanswerable ones.

    Raises FormatError, and pydantic's ValidationError for a name or a set that is too large.
    """
    relevant = judgements(qrels)
    questions: list[Question] = []
    for number, row in json_lines(queries, "queries"):
        identifier = text_of(row, "_id", "queries", number)
        answerable = row.get("answerable") is not False
        if answerable and identifier not in relevant:
            continue
        try:
            text = text_of(row, "text", "queries", number)
            if not answerable:
                questions.append(Question(id=identifier, query=text, answerable=False))
                continue
            judged = [Judgement(external_id=document, grade=grade) for document, grade in relevant[identifier].items()]
            questions.append(Question(id=identifier, query=text, relevant=judged))
        except ValidationError as error:
            field, said = first_finding(error)
            part = "qrels" if field in {"external_id", "grade"} else "queries"
            raise FormatError(part, f"question {identifier!r} (line {number} of the queries): {said}.") from error
    if not questions:
        raise FormatError("queries", "there is no question with a relevant document, and none that isn't answerable.")
    return NewQuestionSet(name=name, questions=questions)
