"""Stored answers and traces as their reader may see them now: what can't be read any more is blanked."""

from collections.abc import Collection, Iterable
from typing import Any, cast
from uuid import UUID

from libs.clients.knowledge import KnowledgeClient
from libs.contracts.chat import AnswerMetadata, AnswerTrace, ChatMessage, Citation, Source, TextSpan
from libs.contracts.errors import FootnoteError
from libs.contracts.knowledge import Location, ReadableRequest
from libs.telemetry.logs import get_logger
from services.chat.events import sentences_of
from services.chat.texts import texts

log = get_logger(__name__)

GONE = "no longer available"
UNCHECKED = "can't be checked right now"
READABLE_AT_ONCE = 1_000
# Keys of a trace under which passages' or sentences' words stand.
_WORDS = frozenset(
    {
        *("title", "text", "content", "excerpt", "heading_path", "table_header", "external_id"),
        *("cut", "lacks", "preferred_has", "other_has"),
    }
)


async def readable_now(knowledge: KnowledgeClient, chunk_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the passages that the reader may see now. Raises FootnoteError while knowledge can't be asked."""
    asked = list(dict.fromkeys(chunk_ids))
    readable: set[UUID] = set()
    for start in range(0, len(asked), READABLE_AT_ONCE):
        request = ReadableRequest(chunk_ids=asked[start : start + READABLE_AT_ONCE])
        readable.update((await knowledge.readable(request)).chunk_ids)
    return readable


async def readable_if_known(knowledge: KnowledgeClient, chunk_ids: Iterable[UUID]) -> set[UUID] | None:
    """Those of the passages that the reader may see now; None while knowledge can't be asked."""
    try:
        return await readable_now(knowledge, chunk_ids)
    except FootnoteError as error:
        log.warning("excerpts are hidden", reason=error.message)
        return None


async def still_readable(knowledge: KnowledgeClient, chunk_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the passages that the reader may see now; none while knowledge can't be asked."""
    return await readable_if_known(knowledge, chunk_ids) or set()


def with_readable_only(message: ChatMessage, readable: Collection[UUID] | None) -> ChatMessage:
    """The message without the title, excerpt and place of sources that aren't readable, and without what only they say.

    A sentence that another source supports too stays; one that no source supports goes with any source, since it may
    repeat what that said. Citations keep pointing at the sentences. With None nobody knows what is readable: all is
    hidden, under words that don't say that it is gone.
    """
    gone = {source.n for source in message.sources if readable is None or source.chunk_id not in readable}
    if not gone:
        return message
    unchecked = readable is None
    shown = _Shown(message, gone, unchecked=unchecked)
    words = UNCHECKED if unchecked else GONE
    sources = [blanked(source, words) if source.n in gone else source for source in message.sources]
    return message.model_copy(
        update={
            "content": shown.content,
            "citations": shown.citations,
            "metadata": shown.metadata,
            "sources": sources,
        }
    )


def trace_with_readable_only(trace: AnswerTrace, readable: Collection[UUID]) -> AnswerTrace:
    """The trace without the words of passages that aren't readable, and of sentences that may come from them."""
    if all(chunk_id in readable for chunk_id in chunks_of(trace)):
        return trace
    return trace.model_copy(update={"steps": [_without_words(step, readable) for step in trace.steps]})


def chunks_of(trace: AnswerTrace) -> list[UUID]:
    return list(_chunk_ids(trace.steps))


class _Shown:
    """An answer without the sentences whose sources are gone; its offsets are those of what is left."""

    def __init__(self, message: ChatMessage, gone: Collection[int], *, unchecked: bool) -> None:
        self.content = ""
        self.citations: list[Citation] = []
        self._moved: dict[tuple[int, int], TextSpan] = {}
        unsupported = message.metadata.unsupported if message.metadata else []
        said = texts(message.metadata.language if message.metadata else None)
        read = 0
        for (start, end), cited in sentences_of(message.citations, unsupported):
            hidden = all(citation.n in gone for citation in cited)
            before = message.content[read:start]
            sentence = message.content[start:end]
            if hidden:
                sentence = said.unchecked if unchecked else said.gone if cited else said.unsupported
            place = TextSpan(start=len(self.content) + len(before), end=len(self.content) + len(before) + len(sentence))
            self._moved[start, end] = place
            self.citations += [_moved(citation, place, gone) for citation in cited]
            self.content += before + sentence
            read = end
        self.content += message.content[read:]
        self.metadata = message.metadata and self._placed(message.metadata)

    def _placed(self, metadata: AnswerMetadata) -> AnswerMetadata:
        unsupported = [self._moved[span.start, span.end] for span in metadata.unsupported]
        disagreements = [
            one.model_copy(update=self._moved[one.start, one.end].model_dump())
            for one in metadata.disagreements
            if (one.start, one.end) in self._moved
        ]
        return metadata.model_copy(update={"unsupported": unsupported, "disagreements": disagreements})


def _moved(citation: Citation, place: TextSpan, gone: Collection[int]) -> Citation:
    spans = [] if citation.n in gone else citation.spans
    return citation.model_copy(update={"start": place.start, "end": place.end, "spans": spans})


def blanked(source: Source, words: str = GONE) -> Source:
    """The source with `words` in place of what its document says."""
    place = Location(page=None, heading_path=[], start=0, end=0)
    return source.model_copy(update={"title": words, "excerpt": words, "external_id": None, "location": place})


def _without_words(value: Any, readable: Collection[UUID]) -> Any:
    """Numbers, names of steps and identifiers stay; words stay only with a passage that is readable."""
    if isinstance(value, dict):
        record = cast("dict[str, Any]", value)
        if "chunk_id" in record and UUID(str(record["chunk_id"])) in readable:
            return record
        return {key: GONE if key in _WORDS else _without_words(item, readable) for key, item in record.items()}
    if isinstance(value, list):
        return [_without_words(item, readable) for item in cast("list[Any]", value)]
    return value


def _chunk_ids(value: Any) -> Iterable[UUID]:
    if isinstance(value, dict):
        record = cast("dict[str, Any]", value)
        if "chunk_id" in record:
            yield UUID(str(record["chunk_id"]))
        value = list(record.values())
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _chunk_ids(item)
