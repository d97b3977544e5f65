"""OpenAI's chat completions and models, over the installed engines."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated
from uuid import uuid4

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from libs.contracts.errors import FootnoteError
from libs.contracts.openai import (
    ChunkChoice,
    Completion,
    CompletionChoice,
    CompletionChunk,
    CompletionMessage,
    CompletionRequest,
    CompletionUsage,
    Delta,
    Model,
    ModelList,
    error_envelope,
)
from libs.service.disconnect import while_connected
from libs.service.streaming import event_stream
from services.generation.ports import Event, Finished, TextDelta
from services.generation.service import Engines, generation_request

router = APIRouter()

OWNER = "footnote"
DONE = b"data: [DONE]\n\n"


def engines_of(request: Request) -> Engines:
    engines: Engines = request.app.state.engines
    return engines


EnginesDependency = Annotated[Engines, Depends(engines_of)]


@router.get("/v1/models")
async def models(engines: EnginesDependency) -> ModelList:
    """The default model first."""
    return ModelList(data=[Model(id=name, created=0, owned_by=OWNER) for name in engines.model_ids()])


@router.post("/v1/chat/completions", response_model=Completion)
async def chat_completions(
    request: Request, body: CompletionRequest, engines: EnginesDependency
) -> Response | Completion:
    """A completion, or with `stream` its chunks as server-sent events. Leaving the stream stops the engine."""
    engine = engines.named(body.model)
    events = engine.generate(generation_request(body))
    head = _Head(f"chatcmpl-{uuid4().hex}", int(time.time()), engine.model_id)
    if not body.stream:
        return await while_connected(request, "generation", _completion(head, events))
    # Errors that are known before the first event still get their own status.
    first = await while_connected(request, "generation", _first(events))
    with_usage = body.stream_options is not None and body.stream_options.include_usage
    return event_stream(_chunks(head, first, events, with_usage=with_usage))


class _Head:
    """What every piece of one completion says of it."""

    def __init__(self, completion_id: str, created: int, model: str) -> None:
        self._completion_id = completion_id
        self._created = created
        self._model = model

    def completion(self, text: str, finished: Finished) -> Completion:
        choice = CompletionChoice(message=CompletionMessage(content=text), finish_reason=finished.finish_reason)
        return Completion(
            id=self._completion_id, created=self._created, model=self._model, choices=[choice], usage=_usage(finished)
        )

    def chunk(self, choices: list[ChunkChoice], usage: CompletionUsage | None = None) -> bytes:
        chunk = CompletionChunk(
            id=self._completion_id, created=self._created, model=self._model, choices=choices, usage=usage
        )
        return f"data: {chunk.model_dump_json()}\n\n".encode()


async def _completion(head: _Head, events: AsyncGenerator[Event]) -> Completion:
    pieces: list[str] = []
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                return head.completion("".join(pieces), event)
            pieces.append(event.text)
    raise AssertionError("an engine ends with Finished")


async def _first(events: AsyncGenerator[Event]) -> Event:
    """The first event; a wait for it that is cancelled ends the answer."""
    try:
        return await anext(events)
    except BaseException:
        await events.aclose()
        raise


async def _chunks(
    head: _Head, first: Event, events: AsyncGenerator[Event], *, with_usage: bool
) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        yield head.chunk([ChunkChoice(delta=Delta(role="assistant", content=""))])
        event = first
        try:
            while isinstance(event, TextDelta):
                yield head.chunk([ChunkChoice(delta=Delta(content=event.text))])
                event = await anext(events)
        except FootnoteError as error:
            body = error_envelope(error.status, error.code, error.message)
            yield b"data: " + orjson.dumps(body) + b"\n\n"
            return
        yield head.chunk([ChunkChoice(delta=Delta(), finish_reason=event.finish_reason)])
        if with_usage:
            yield head.chunk([], _usage(event))
        yield DONE


def _usage(finished: Finished) -> CompletionUsage:
    return CompletionUsage(
        prompt_tokens=finished.prompt_tokens,
        completion_tokens=finished.completion_tokens,
        total_tokens=finished.prompt_tokens + finished.completion_tokens,
    )
