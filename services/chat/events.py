"""The events of a streamed answer, and how they look on the wire."""

from collections.abc import Sequence
from typing import Protocol

from libs.contracts.chat import ChatResponse, Citation, SessionEvent, Source, SourcesEvent, TokenEvent
from libs.contracts.errors import ErrorEnvelope
from services.chat.grounding.citations import markers

Event = SessionEvent | SourcesEvent | TokenEvent | Citation | ChatResponse | ErrorEnvelope

HEARTBEAT = b": heartbeat\n\n"

_NAMES: dict[type[Event], str] = {
    SessionEvent: "session",
    SourcesEvent: "sources",
    TokenEvent: "token",
    Citation: "citation",
    ChatResponse: "done",
    ErrorEnvelope: "error",
}


def encoded(event: Event) -> bytes:
    """As a server-sent event; JSON escapes every line break, so the data is one line."""
    return f"event: {_NAMES[type(event)]}\ndata: {event.model_dump_json()}\n\n".encode()


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


def said_again(start: SessionEvent, said: Said) -> list[Event]:
    """The events of an answer but the last, sentence by sentence."""
    events: list[Event] = [start, SourcesEvent(sources=said.sources)]
    sentences: dict[tuple[int, int], list[Citation]] = {}
    for citation in sorted(said.citations, key=lambda citation: (citation.start, citation.n)):
        sentences.setdefault((citation.start, citation.end), []).append(citation)
    told = 0
    for (_, end), citations in sentences.items():
        marked = end + len(markers([citation.n for citation in citations]))
        events += [TokenEvent(text=said.answer[told:marked]), *citations]
        told = marked
    if told < len(said.answer):
        events.append(TokenEvent(text=said.answer[told:]))
    return events
