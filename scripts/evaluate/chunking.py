"""`footnote eval chunking`: passages of several sizes, by how much of what answers a question they bring to it.

Passages of any size are given as many tokens as fit an answer, so that smaller ones aren't better for being more
precise nor larger ones for holding more. Questions may name the runs of text that answer them, as those of Chroma's
chunking evaluation do (Smith and Troynikov 2024); for the others every passage of a relevant document is the answer.
"""

import asyncio
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from libs.config.settings import Settings
from libs.evaluation.folder_format import json_lines
from libs.evaluation.measures import HEADLINE, mean, per_query
from libs.evaluation.reporting import JudgedQuestion
from libs.stores.weights import WeightsStore
from scripts.api import ApiError
from scripts.evaluate.dataset import Dataset, questions_folder, read_dataset, read_text
from services.embedding.backends import load_model
from services.embedding.ports import EmbeddingModel
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.chunking.chunks import Chunk, chunk
from services.knowledge.chunking.context import embedded_text, header_of
from services.knowledge.fusion import fuse
from services.knowledge.parsing.document import ParsedDocument, ParseLimits
from services.knowledge.parsing.formats import plain_text
from services.knowledge.ports import IndexedPassage, PassageAttributes, Scope
from services.knowledge.tokens import TokenCounts

READER = "organization"
BATCH_TEXTS = 16
# By their ids.
Documents = dict[str, ParsedDocument]
DEFAULT_CUTS = ("100:0", "100:15", "150:20", "200:0", "200:30", "200:60", "250:40")


@dataclass(frozen=True)
class Cut:
    """At most `tokens` a passage, of which up to `overlap` are the end of the one before."""

    tokens: int
    overlap: int


@dataclass(frozen=True)
class Brought:
    """Of one question: what share of the answer the passages hold, and what share of the passages is answer."""

    recall: float
    precision: float


def read_cuts(named: Sequence[str]) -> list[Cut]:
    """Of "TOKENS:OVERLAP" each; without any, some around the default. Raises ApiError."""
    cuts: list[Cut] = []
    for name in named or DEFAULT_CUTS:
        numbers = re.fullmatch(r"(\d{1,5}):(\d{1,5})", name)
        if not numbers or int(numbers[1]) <= int(numbers[2]):
            raise ApiError(f"{name!r} is no cut. Write TOKENS:OVERLAP, as in 200:30, with fewer of the second.")
        cuts.append(Cut(int(numbers[1]), int(numbers[2])))
    return cuts


async def evaluate_chunking(
    console: Console, settings: Settings, data: Path, split: str | None, cuts: Sequence[Cut], budget: int, most: int
) -> None:
    """Of each cut: recall and precision within `budget` tokens, nDCG@10 of documents. At most `most` documents."""
    dataset = _part(read_dataset(data, split), most)
    answers = _answers(questions_folder(data, split) / "queries.jsonl")
    store = WeightsStore(settings.models_dir)
    model = await asyncio.to_thread(load_model, settings.embedding.backend, settings.embedding.model, store)
    count = TokenCounts(store.locate(settings.embedding.model))
    documents = {
        one.id: replace(plain_text.parse(one.text.encode(), ParseLimits()), title=one.title)
        for one in dataset.documents
    }
    table = Table(title=f"{dataset.name}: {len(documents):,} documents, {len(dataset.questions):,} questions")
    for column in ("cut", "passages", "tokens read", f"recall in {budget:,}", "95 %", "precision", HEADLINE):
        table.add_column(column, justify="right")
    for cut in cuts:
        with tempfile.TemporaryDirectory(prefix="footnote-chunking-") as folder:
            corpus = _Corpus(documents, cut, count, model, LanceDbIndex(Path(folder), settings.retrieval.exact_below))
            await corpus.index_all()
            rankings = {
                query.id: await corpus.ranked(query.text, settings.retrieval.candidates, settings.retrieval.rrf_k)
                for query in dataset.questions
            }
        brought = [
            _brought(documents, query, answers[query.id], rankings[query.id], budget) for query in dataset.questions
        ]
        named = {query: list(dict.fromkeys(one.document for one in found)) for query, found in rankings.items()}
        scores = per_query({query.id: query.relevant for query in dataset.questions}, named)
        recall = mean([one.recall for one in brought])
        table.add_row(
            f"{cut.tokens}:{cut.overlap}",
            f"{len(corpus.passages):,}",
            f"{corpus.embedded_tokens:,}",
            f"{recall.value:.3f}",
            f"{recall.low:.3f}–{recall.high:.3f}",
            f"{np.mean([one.precision for one in brought]):.3f}",
            f"{np.mean([one[HEADLINE] for one in scores.values()]):.3f}",
        )
    console.print(table)


@dataclass(frozen=True)
class _Passage:
    document: str
    chunk: Chunk


class _Corpus:
    """The documents cut one way, in an index of their own."""

    def __init__(
        self,
        documents: dict[str, ParsedDocument],
        cut: Cut,
        count: TokenCounts,
        model: EmbeddingModel,
        index: LanceDbIndex,
    ) -> None:
        self.passages = [
            _Passage(name, one)
            for name, document in documents.items()
            for one in chunk(document, count, max_tokens=cut.tokens, overlap_tokens=cut.overlap)
        ]
        self.embedded_tokens = 0
        self._titles = {name: document.title or "" for name, document in documents.items()}
        self._model = model
        self._index = index
        self._organization_id = uuid4()

    async def index_all(self) -> None:
        texts = [embedded_text(self._titles[one.document], one.chunk) for one in self.passages]
        vectors = await asyncio.to_thread(self._encode, texts)
        await self._index.add(self._organization_id, [*self._rows(vectors)])
        await self._index.maintain(self._organization_id)

    async def ranked(self, query: str, candidates: int, rrf_k: int) -> list[_Passage]:
        scope = Scope(self._organization_id, (READER,))
        vector = (await asyncio.to_thread(self._encode, [query]))[0]
        lexical = await self._index.lexical(scope, query, candidates)
        similar = await self._index.similar(scope, vector, candidates)
        lists = {"lexical": [one.chunk_id for one in lexical], "vector": [one.chunk_id for one in similar]}
        return [self.passages[one.item.int] for one in fuse(lists, rrf_k)]

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        tokens = self._model.tokenizer.read(texts)
        self.embedded_tokens += sum(map(len, tokens)) if len(texts) > 1 else 0
        rows = np.empty((len(tokens), self._model.dimension), np.float32)
        order = sorted(range(len(tokens)), key=lambda number: len(tokens[number]))
        for start in range(0, len(order), BATCH_TEXTS):
            some = order[start : start + BATCH_TEXTS]
            rows[some] = self._model.encode([tokens[number] for number in some]).vectors
        return rows

    def _rows(self, vectors: NDArray[np.float32]) -> Iterator[IndexedPassage]:
        nothing = UUID(int=0)
        attributes = PassageAttributes((READER,), datetime(2026, 1, 1, tzinfo=UTC), "text/plain")
        for number, (one, vector) in enumerate(zip(self.passages, vectors, strict=True)):
            yield IndexedPassage(
                chunk_id=UUID(int=number),
                document_id=nothing,
                version=nothing,
                position=one.chunk.index,
                header=header_of(self._titles[one.document], one.chunk.heading_path),
                table_header=one.chunk.table_header,
                content=one.chunk.text,
                heading_path=one.chunk.heading_path,
                page=one.chunk.page,
                start=one.chunk.start,
                end=one.chunk.end,
                token_count=one.chunk.token_count,
                attributes=attributes,
                vector=vector,
                tokens=b"",
                model_revision=self._model.revision,
            )


def _brought(
    documents: Documents, query: JudgedQuestion, answers: Sequence[str], ranked: Sequence[_Passage], budget: int
) -> Brought:
    """Of the characters of the answer, and of the passages that fit."""
    given: dict[str, set[int]] = {}
    room = budget
    for one in ranked:
        room -= one.chunk.token_count
        if room < 0:
            break
        given.setdefault(one.document, set()).update(range(one.chunk.start, one.chunk.end))
    answer: dict[str, set[int]] = {}
    for name, grade in query.relevant.items():
        if grade > 0 and name in documents:
            answer[name] = _characters(documents[name].text, answers)
    wanted = sum(map(len, answer.values()))
    both = sum(len(characters & given.get(name, set())) for name, characters in answer.items())
    return Brought(both / max(1, wanted), both / max(1, sum(map(len, given.values()))))


def _answers(queries: Path) -> dict[str, list[str]]:
    """The runs of text that answer each question; none where the collection doesn't name them."""
    rows = (row for _, row in json_lines(read_text(queries), queries.name))
    return {str(row["_id"]): [reference["content"] for reference in row.get("references") or ()] for row in rows}


def _characters(text: str, answers: Sequence[str]) -> set[int]:
    if not answers:
        return set(range(len(text)))
    found: set[int] = set()
    for answer in answers:
        place = re.search(r"\s+".join(map(re.escape, answer.split())), text)
        found.update(range(*place.span()) if place else ())
    return found


def _part(dataset: Dataset, most: int) -> Dataset:
    """The relevant documents first, then others, in the collection's order; `most` of them in all."""
    relevant = {name for query in dataset.questions for name in query.relevant}
    documents = sorted(dataset.documents, key=lambda one: one.id not in relevant)[:most]
    return replace(dataset, documents=documents)
