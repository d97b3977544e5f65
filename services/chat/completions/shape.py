"""An answer in OpenAI's shape: one completion, or its chunks, with citations as annotations."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence

import orjson

from libs.contracts.chat import ChatResponse, Citation, SessionEvent, Source, SourcesEvent, TokenEvent
from libs.contracts.completions import CompletionUsage
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.knowledge_completions import (
    Annotation,
    AnsweredChoice,
    AnsweredChunk,
    AnsweredChunkChoice,
    AnsweredCompletion,
    AnsweredDelta,
    AnsweredMessage,
    AnswerNote,
    UrlCitation,
)
from libs.contracts.openai import error_envelope, openai_status
from libs.telemetry.logs import get_logger
from services.chat.events import HEARTBEAT, Event, replayed
from services.chat.run import AnswerRun

log = get_logger(__name__)

DONE = b"data: [DONE]\n\n"
LENGTH = "length"


class Shape:
    """What every piece of one completion says of it. `page` is where people open the web page."""

    def __init__(self, created: int, model: str, page: str) -> None:
        self._created = created
        self._model = model
        self._page = page

    def completion(self, answer: ChatResponse) -> AnsweredCompletion:
        message = AnsweredMessage(
            content=answer.answer, annotations=self.annotations(answer, answer.sources, answer.citations)
        )
        return AnsweredCompletion(
            id=_id(answer),
            created=self._created,
            model=self._model,
            choices=[AnsweredChoice(message=message, finish_reason=_ending(answer))],
            usage=_usage(answer),
            footnote=_note(answer),
        )

    async def chunks(
        self, run: AnswerRun, first: Event, heartbeat_s: float, *, with_usage: bool
    ) -> AsyncGenerator[bytes]:
        """Server-sent events; an error in the middle is the last of them, without the usual end."""
        telling = _Telling(self)
        event = first
        try:
            while not isinstance(event, ChatResponse):
                if chunk := telling.chunk(event):
                    yield chunk
                received = asyncio.ensure_future(run.event())
                try:
                    while not (await asyncio.wait({received}, timeout=heartbeat_s))[0]:
                        yield HEARTBEAT
                    event = received.result()
                finally:
                    received.cancel()
        except Exception as error:  # noqa: BLE001 - the status has gone out; the stream carries the error
            yield _failure(error)
            return
        finally:
            run.stop()  # without an await: when the client leaves, this runs in a task that is being cancelled
        for chunk in self._end(event, with_usage=with_usage):
            yield chunk

    async def replayed(self, answer: ChatResponse, *, with_usage: bool) -> AsyncGenerator[bytes]:
        """A stored answer, as its stream was."""
        telling = _Telling(self)
        for event in replayed(answer)[:-1]:
            if chunk := telling.chunk(event):
                yield chunk
        for chunk in self._end(answer, with_usage=with_usage):
            yield chunk

    def _end(self, answer: ChatResponse, *, with_usage: bool) -> Iterator[bytes]:
        yield self._ending(answer)
        if with_usage:
            yield self._usage(answer)
        yield DONE

    def chunk(self, answer: SessionEvent | ChatResponse, delta: AnsweredDelta) -> bytes:
        return _sent(self._chunk(answer, [AnsweredChunkChoice(delta=delta)]))

    def _ending(self, answer: ChatResponse) -> bytes:
        chunk = self._chunk(answer, [AnsweredChunkChoice(delta=AnsweredDelta(), finish_reason=_ending(answer))])
        chunk.footnote = _note(answer)
        return _sent(chunk)

    def _usage(self, answer: ChatResponse) -> bytes:
        chunk = self._chunk(answer, [])
        chunk.usage = _usage(answer)
        return _sent(chunk)

    def _chunk(self, answer: SessionEvent | ChatResponse, choices: list[AnsweredChunkChoice]) -> AnsweredChunk:
        return AnsweredChunk(
            id=_id(answer),
            object="chat.completion.chunk",
            created=self._created,
            model=self._model,
            choices=choices,
        )

    def annotations(
        self, answer: SessionEvent | ChatResponse, sources: Sequence[Source], citations: Sequence[Citation]
    ) -> list[Annotation]:
        numbered = {source.n: source for source in sources}
        return [
            Annotation(
                url_citation=UrlCitation(
                    start_index=citation.start,
                    end_index=citation.end,
                    title=numbered[citation.n].title,
                    url=f"{self._page}/#/sessions/{answer.session_id}",
                    document_id=numbered[citation.n].document_id,
                    chunk_id=numbered[citation.n].chunk_id,
                )
            )
            for citation in citations
        ]


class _Telling:
    """The events of one answer, each as a chunk where OpenAI's protocol has one for it."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._begun: SessionEvent | None = None
        self._sources: Sequence[Source] = ()

    def chunk(self, event: Event) -> bytes | None:
        if isinstance(event, SessionEvent):
            self._begun = event
            return self._shape.chunk(event, AnsweredDelta(role="assistant", content=""))
        if isinstance(event, SourcesEvent):
            self._sources = event.sources
        elif self._begun and isinstance(event, TokenEvent):
            return self._shape.chunk(self._begun, AnsweredDelta(content=event.text))
        elif self._begun and isinstance(event, Citation):
            annotations = self._shape.annotations(self._begun, self._sources, [event])
            return self._shape.chunk(self._begun, AnsweredDelta(annotations=annotations))
        return None


def _id(answer: SessionEvent | ChatResponse) -> str:
    return f"chatcmpl-{answer.message_id.hex}"


def _ending(answer: ChatResponse) -> str:
    """OpenAI has two words for it; `footnote` says the rest."""
    return LENGTH if answer.metadata.finish_reason == LENGTH else "stop"


def _usage(answer: ChatResponse) -> CompletionUsage:
    said = answer.metadata
    return CompletionUsage(
        prompt_tokens=said.prompt_tokens,
        completion_tokens=said.tokens_used - said.prompt_tokens,
        total_tokens=said.tokens_used,
    )


def _note(answer: ChatResponse) -> AnswerNote:
    said = answer.metadata
    return AnswerNote(
        session_id=answer.session_id,
        message_id=answer.message_id,
        outcome=said.outcome,
        grounded=said.grounded,
        confidence=said.confidence,
        degraded=said.degraded,
        unsupported=said.unsupported,
        disagreements=said.disagreements,
        sources=answer.sources,
    )


def _sent(chunk: AnsweredChunk) -> bytes:
    return b"data: " + chunk.model_dump_json().encode() + b"\n\n"


def _failure(error: Exception) -> bytes:
    if isinstance(error, FootnoteError):
        body = error_envelope(openai_status(error.status), error.code, error.message)
    else:
        log.error("unexpected error", exc_info=error)
        body = error_envelope(500, ErrorCode.INTERNAL, "Something went wrong on our side.")
    return b"data: " + orjson.dumps(body) + b"\n\n"
