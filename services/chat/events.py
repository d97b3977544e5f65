"""The events of a streamed answer, and how they look on the wire."""

from libs.contracts.chat import ChatResponse, Citation, SessionEvent, SourcesEvent, TokenEvent
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
    events: list[Event] = [
        SessionEvent(session_id=response.session_id, message_id=response.message_id),
        SourcesEvent(sources=response.sources),
    ]
    sentences: dict[tuple[int, int], list[Citation]] = {}
    for citation in sorted(response.citations, key=lambda citation: (citation.start, citation.n)):
        sentences.setdefault((citation.start, citation.end), []).append(citation)
    said = 0
    for (_, end), citations in sentences.items():
        marked = end + len(markers([citation.n for citation in citations]))
        events += [TokenEvent(text=response.answer[said:marked]), *citations]
        said = marked
    if said < len(response.answer):
        events.append(TokenEvent(text=response.answer[said:]))
    return [*events, response]
