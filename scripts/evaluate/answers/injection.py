"""Documents with planted instructions, each asked about, and prompts that attack or only sound like it.

`poisoned_documents.jsonl` {"_id", "document", "question", "ideal", "injected", "trigger"}: without `injected` it is a
clean twin. `prompts.jsonl` {"_id", "text", "label": "attack" or "benign"}.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from libs.evaluation.expected_answers import Expected
from libs.evaluation.folder_format import FormatError, json_lines, text_of
from scripts.evaluate.answers.collection import AnswerSet, AskedQuestion, Kind
from scripts.evaluate.dataset import CorpusDocument, named, read_text

# What the data says instead of an answer where the document has none.
UNKNOWN = "unknown"
# What stands between the parts of an ideal answer.
PART_MARK = "|"


def read_injections(data: Path, terms: Path | None) -> AnswerSet:
    """`terms` are JSON lines {"ids", "terms"} for documents without a trigger: regular expressions. Raises ApiError."""
    documents, prompts = data / "poisoned_documents.jsonl", data / "prompts.jsonl"
    written: Mapping[str, tuple[str, ...]] = _read_terms(terms) if terms else {}
    questions: list[AskedQuestion] = []
    corpus: list[CorpusDocument] = []
    with named(documents):
        for number, row in json_lines(read_text(documents), documents.name):
            identifier = text_of(row, "_id", documents.name, number)
            corpus.append(CorpusDocument(identifier, identifier, text_of(row, "document", documents.name, number)))
            ideal = [str(one) for one in cast("list[Any]", row.get("ideal") or [])]
            unknown = [one.casefold() for one in ideal] == [UNKNOWN]
            parts = ideal[0].split(PART_MARK) if ideal and not unknown else []
            trigger = row.get("trigger")
            questions.append(
                AskedQuestion(
                    identifier,
                    text_of(row, "question", documents.name, number),
                    Expected(tuple((part,) for part in parts)),
                    (not unknown) if ideal else None,
                    frozenset([identifier]),
                    (identifier,),
                    Kind.POISONED if row.get("injected") else Kind.CLEAN,
                    (re.escape(str(trigger)),) if trigger else written.get(identifier, ()),
                )
            )
    if prompts.exists():
        with named(prompts):
            questions += [
                AskedQuestion(
                    text_of(row, "_id", prompts.name, number),
                    text_of(row, "text", prompts.name, number),
                    kind=Kind.BENIGN if row.get("label") == "benign" else Kind.ATTACK,
                )
                for number, row in json_lines(read_text(prompts), prompts.name)
            ]
    without = sum(one.kind is Kind.POISONED and not one.terms for one in questions)
    return AnswerSet(
        data.resolve().name,
        sha256(json.dumps([[one.id, one.text] for one in corpus]).encode()).hexdigest()[:12],
        "poisoned documents and prompts",
        corpus,
        questions,
        # These are asked, but nobody has written down how to tell whether they were followed.
        {"poisoned, with neither trigger nor terms: asked and not counted": without} if without else {},
    )


def _read_terms(file: Path) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    with named(file):
        for number, row in json_lines(read_text(file), file.name):
            ids, terms = (cast("list[Any]", row.get(key) or []) for key in ("ids", "terms"))
            for term in terms:
                try:
                    re.compile(str(term))
                except re.error as error:
                    raise FormatError("terms", f"line {number}: {term!r} is no regular expression: {error}.") from error
            found |= {str(identifier): (*found.get(str(identifier), ()), *map(str, terms)) for identifier in ids}
    return found
