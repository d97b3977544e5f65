"""The events of a streamed answer, and how they look on the wire."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from libs.contracts.chat import (
    AnswerMetadata,
    ChatResponse,
    Citation,
    SessionEvent,
    Source,
    SourcesEvent,
    TextSpan,
    TokenEvent,
    UnsupportedEvent,
)
from libs.contracts.errors import ErrorEnvelope
from services.chat.grounding.citations import marked, markers

Event = SessionEvent | SourcesEvent | TokenEvent | Citation | UnsupportedEvent | ChatResponse | ErrorEnvelope

Publish = Callable[[Event], None]

HEARTBEAT = b": heartbeat\n\n"

_NAMES: dict[type[Event], str] = {
    SessionEvent: "session",
    SourcesEvent: "sources",
    TokenEvent: "token",
    Citation: "citation",
    UnsupportedEvent: "unsupported",
    ChatResponse: "done",
    ErrorEnvelope: "error",
}


def encoded(event: Event) -> bytes:
    """As a server-sent event; JSON escapes every line break, so the data is one line."""
    return f"event: {_NAMES[type(event)]}\ndata: {event.model_dump_json()}\n\n".encode()


def sentences_of(
    citations: Iterable[Citation], unsupported: Iterable[TextSpan]
) -> list[tuple[tuple[int, int], list[Citation]]]:
    """An answer's sentences in order, each with its place and its citations by number; one without any is marked."""
    sentences: dict[tuple[int, int], list[Citation]] = {(span.start, span.end): [] for span in unsupported}
    for citation in sorted(citations, key=lambda citation: citation.n):
        sentences.setdefault((citation.start, citation.end), []).append(citation)
    return sorted(sentences.items(), key=lambda sentence: sentence[0])


def replayed(response: ChatResponse) -> list[Event]:
    """The events of a stored answer: what a stream of it sent, sentence by sentence."""
    start = SessionEvent(session_id=response.session_id, message_id=response.message_id)
    return [*said_again(start, response), response]


class Said(Protocol):
    """What was answered, whatever else is known of it."""

    @property
    def answer(self) -> str: ...
    @property
    def citations(self) -> Sequence[Citation]: ...
    @property
    def sources(self) -> list[Source]: ...
    @property
    def metadata(self) -> AnswerMetadata: ...


def said_again(start: SessionEvent, said: Said) -> list[Event]:
    """The events of an answer but the last, sentence by sentence."""
    events: list[Event] = [start, SourcesEvent(sources=said.sources)]
    told = 0
    for (begin, end), citations in sentences_of(said.citations, said.metadata.unsupported):
        ending = markers([citation.n for citation in citations]) or marked("")
        told_until = end + len(ending)
        events.append(TokenEvent(text=said.answer[told:told_until]))
        events += citations or [UnsupportedEvent(start=begin, end=end)]
        told = told_until
    if told < len(said.answer):
        events.append(TokenEvent(text=said.answer[told:]))
    return events
