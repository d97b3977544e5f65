"""The services that chat asks, small and scripted, over real HTTP: what they say is the test's to set."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response

from libs.contracts.completions import (
    ChunkChoice,
    CompletionChunk,
    CompletionRequest,
    CompletionUsage,
    Delta,
    Served,
    SkippedModel,
)
from libs.contracts.errors import ErrorCode
from libs.contracts.evaluation import NewSetQuestion, QuestionSetSummary
from libs.contracts.knowledge import (
    Expansion,
    Location,
    PassageInContext,
    ReadableRequest,
    ReadableResponse,
    RetrievalRequest,
    RetrievalResponse,
    RetrievedPassage,
    SearchRequest,
    SearchResponse,
    SearchResult,
    ServedPassage,
    ServedPassages,
    Standing,
)
from libs.contracts.openai import Model, ModelList, error_envelope
from libs.contracts.routing import Writer, WriterList
from libs.contracts.usage import CitedAnswer
from libs.service.errors import install_error_handlers
from libs.service.streaming import event_stream

# What a scripted generation does next: say it, wait for it, or fail.
Part = str | asyncio.Event | type[Exception]


def passage(content: str, title: str = "Handbook", similarity: float | None = 0.8) -> RetrievedPassage:
    return RetrievedPassage(
        document_id=uuid4(),
        external_id="handbook.md",
        chunk_id=uuid4(),
        title=title,
        content=content,
        score=0.03,
        location=Location(heading_path=["Rules"], start=0, end=len(content)),
        token_count=len(content.split()) * 2,
        similarity=similarity,
    )


class ScriptedKnowledge:
    """Answers every question with `passages`; a reader may read those that aren't in `unreadable`.

    Documents change all the time, and so no answer is given again, unless a test sets `version`.
    """

    def __init__(self) -> None:
        self.app = FastAPI()
        self._versions = count(1)
        install_error_handlers(self.app)
        self.app.post("/internal/retrievals")(self._retrieve)
        self.app.get("/internal/standing")(self._standing)
        self.app.post("/internal/readable")(self._readable)
        self.app.post("/internal/passages")(self._served)
        self.app.post("/search")(self._search)
        self.app.get("/documents/{document_id}/passages/{chunk_id}")(self._in_context)
        self.app.post("/internal/citations", status_code=204)(self._cited)
        self.app.post("/admin/evaluations/questions")(self._add)
        self.reset()

    def reset(self) -> None:
        self.passages: list[RetrievedPassage] = []
        self.around = ("", "")
        self.unreadable: set[UUID] = set()
        self.degraded: list[str] = []
        self.expansions: list[Expansion] = []
        self.cited: list[CitedAnswer] = []
        self.added: list[NewSetQuestion] = []
        self.set_id = uuid4()
        self.queries: list[str] = []
        self.rechecked = 0
        self.unsaid: list[list[str]] = []
        self.away = False
        self.version: int | None = None
        self.access_key = "everybody"

    async def _standing(self, chunk_id: Annotated[list[UUID] | None, Query()] = None) -> Standing:
        if self.away:
            raise HTTPException(500)
        version = next(self._versions) if self.version is None else self.version
        return Standing(
            knowledge_version=version, access_key=self.access_key, readable=self._readable_of(chunk_id or [])
        )

    async def _retrieve(self, request: RetrievalRequest) -> RetrievalResponse:
        if self.away:
            raise HTTPException(500)
        self.queries.append(request.query)
        self.unsaid.append(request.unsaid)
        found = [one for one in self.passages if one.chunk_id not in self.unreadable]
        considered = [{"chunk_id": str(one.chunk_id), "lexical_rank": 1} for one in found]
        return RetrievalResponse(
            passages=found,
            strategy_used="hybrid",
            degraded=self.degraded,
            knowledge_version=1,
            trace=[{"step": "select", "passages": considered}],
            expansions=self.expansions,
        )

    async def _search(self, request: SearchRequest) -> SearchResponse:
        results = [SearchResult(**one.model_dump()) for one in self.passages[: request.top_k]]
        return SearchResponse(results=results, strategy_used="hybrid", degraded=[])

    async def _in_context(self, document_id: UUID, chunk_id: UUID) -> PassageInContext:
        [found] = [one for one in self.passages if (one.document_id, one.chunk_id) == (document_id, chunk_id)]
        before, after = self.around
        return PassageInContext(**found.model_dump(), before=before, after=after)

    async def _cited(self, answer: CitedAnswer) -> None:
        if self.away:
            raise HTTPException(500)
        self.cited.append(answer)

    async def _add(self, added: NewSetQuestion) -> QuestionSetSummary:
        if self.away:
            raise HTTPException(500)
        self.added.append(added)
        now = datetime.now(UTC)
        return QuestionSetSummary(
            set_id=self.set_id, name=added.set_name, questions=1, judgements=1, created_at=now, updated_at=now
        )

    async def _served(self, request: ReadableRequest) -> ServedPassages:
        readable = (await self._readable(request)).chunk_ids
        return ServedPassages(
            passages=[
                ServedPassage(
                    chunk_id=one.chunk_id,
                    document_id=one.document_id,
                    content=one.content,
                    location=one.location,
                    title=one.title,
                    external_id=one.external_id,
                )
                for one in self.passages
                if one.chunk_id in readable
            ]
        )

    async def _readable(self, request: ReadableRequest) -> ReadableResponse:
        if self.away:
            raise HTTPException(500)
        self.rechecked += 1
        return ReadableResponse(chunk_ids=self._readable_of(request.chunk_ids))

    def _readable_of(self, chunk_ids: list[UUID]) -> list[UUID]:
        known = {one.chunk_id for one in self.passages} - self.unreadable
        return [chunk_id for chunk_id in chunk_ids if chunk_id in known]


class ScriptedGeneration:
    """Models that say what the test wrote for them; the first is the default."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.app.get("/v1/models")(self._models)
        self.app.get("/internal/models")(self._writers)
        self.app.add_api_route("/v1/chat/completions", self._complete, methods=["POST"])
        self.reset()

    def reset(self) -> None:
        self.scripts: dict[str, Sequence[Part]] = {"extractive": []}
        self.requests: list[CompletionRequest] = []
        self.finish_reason = "stop"
        self.overloaded = False
        self.plans: list[str | None] = []
        self.only_for: dict[str, str] = {}
        self.languages: dict[str, list[str]] = {}
        self.skipped: list[SkippedModel] = []
        self.asked = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def _models(self, request: Request) -> ModelList:
        plan = request.headers.get("x-plan")
        names = [name for name in self.scripts if plan is None or self.only_for.get(name, plan) == plan]
        return ModelList(data=[Model(id=name, created=0, owned_by="test") for name in names])

    async def _writers(self) -> WriterList:
        return WriterList(models=[Writer(id=name, languages=self.languages.get(name, [])) for name in self.scripts])

    async def _complete(self, request: Request) -> Response:
        completion = CompletionRequest.model_validate_json(await request.body())
        self.requests.append(completion)
        self.plans.append(request.headers.get("x-plan"))
        name = next(iter(self.scripts)) if completion.model == "default" else completion.model
        if self.overloaded and name != "extractive":
            return JSONResponse(error_envelope(429, ErrorCode.OVERLOADED, "busy"), 429)
        return event_stream(self._stream(name, self.scripts.get(name, [])))

    async def _stream(self, name: str, script: Sequence[Part]) -> AsyncGenerator[bytes]:
        def data(choices: list[ChunkChoice], usage: CompletionUsage | None = None) -> bytes:
            chunk = CompletionChunk(id="1", created=0, model=name, choices=choices, usage=usage)
            return f"data: {chunk.model_dump_json()}\n\n".encode()

        served = Served(route="all", served_by=name, why="it was next", skipped=self.skipped)
        first = CompletionChunk(id="1", created=0, model=name, choices=[], footnote=served)
        yield f"data: {first.model_dump_json()}\n\n".encode()
        said = 0
        try:
            # Not before: an answer that is left because of this has begun, so that its end is noticed below.
            self.asked.set()
            for part in script:
                if isinstance(part, str):
                    said += 1
                    yield data([ChunkChoice(delta=Delta(content=part))])
                elif isinstance(part, asyncio.Event):
                    await part.wait()
                else:
                    error = error_envelope(503, ErrorCode.UPSTREAM_UNAVAILABLE, "gone")
                    yield b"data: " + JSONResponse(error).body + b"\n\n"
                    return
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.set()
            raise
        yield data([ChunkChoice(delta=Delta(), finish_reason=self.finish_reason)])
        yield data([], CompletionUsage(prompt_tokens=100, completion_tokens=said, total_tokens=100 + said))
        yield b"data: [DONE]\n\n"
