"""Texts with queries and the texts that answer them, and how well vectors rank them."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from libs.config.settings import REPOSITORY

DEPTH = 10
QUESTIONS = Path(__file__).parent / "data" / "handbook_questions.jsonl"


@dataclass(frozen=True)
class Judged:
    """`relevant` has, for each query, the indexes of the documents that answer it."""

    name: str
    documents: list[str]
    queries: list[str]
    relevant: list[set[int]]


def handbook() -> Judged:
    """The handbook's paragraphs under their page's title, and its evaluation questions; a page's paragraphs answer."""
    documents: list[str] = []
    pages: list[str] = []
    for path in sorted((REPOSITORY / "docs" / "handbook").glob("*.md")):
        title, *paragraphs = [part.strip() for part in path.read_text(encoding="utf-8").split("\n\n") if part.strip()]
        documents += [f"{title.lstrip('# ')}\n\n{paragraph}" for paragraph in paragraphs]
        pages += [path.name] * len(paragraphs)
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    asked = [question for question in map(json.loads, lines) if question.get("page")]
    relevant = [{index for index, page in enumerate(pages) if page == question["page"]} for question in asked]
    return Judged("the handbook", documents, [question["question"] for question in asked], relevant)


def scifact(data: Path, most: int) -> Judged:
    """SciFact's public queries, every document that answers one, and others up to `most` documents in all."""
    folder = data / "retrieval" / "scifact"
    corpus = [json.loads(line) for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    queries = [
        json.loads(line) for line in (folder / "public" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    qrels: dict[str, set[str]] = {}
    for line in (folder / "public" / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            qrels.setdefault(query, set()).add(document)
    answering = set[str]().union(*qrels.values())
    corpus.sort(key=lambda document: document["_id"] not in answering)
    corpus = corpus[: max(most, len(answering))]
    index = {document["_id"]: number for number, document in enumerate(corpus)}
    return Judged(
        "SciFact",
        [f"{document['title']}\n\n{document['text']}" for document in corpus],
        [query["text"] for query in queries],
        [{index[document] for document in qrels.get(query["_id"], set())} for query in queries],
    )


def mean_ndcg(judged: Judged, documents: NDArray[np.float32], queries: NDArray[np.float32]) -> float:
    """nDCG@10 of ranking by cosine, over the queries that have an answer (binary gains)."""
    order = np.argsort(-(queries @ documents.T), axis=1, kind="stable")[:, :DEPTH]
    scores: list[float] = []
    for ranked, relevant in zip(order.tolist(), judged.relevant, strict=True):
        if relevant:
            gained = sum(1 / math.log2(rank + 2) for rank, document in enumerate(ranked) if document in relevant)
            scores.append(gained / sum(1 / math.log2(rank + 2) for rank in range(min(DEPTH, len(relevant)))))
    return sum(scores) / len(scores)
