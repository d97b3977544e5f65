"""Passages that give instructions: found, lowered or dropped, and kept from whoever writes or quotes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from libs.contracts.chat import Source
from libs.contracts.knowledge import Location, SearchResult
from libs.text.sentences import Span
from services.chat.grounding.cleaning import visible
from services.chat.safety.borders import across_borders
from services.chat.safety.injection.detector import Verdict, examined

Treatment = Literal["mark", "lower", "drop"]

# In place of a title or heading that gives instructions itself.
UNTITLED = "Untitled"

Found = TypeVar("Found", bound=SearchResult)


@dataclass(frozen=True)
class Suspect:
    """A passage that gives instructions; `spans` are characters of its text, none where its title or heading does."""

    document_id: UUID
    chunk_id: UUID
    rules: tuple[str, ...]
    score: float
    spans: tuple[Span, ...]
    in_title: bool

    def said(self, treatment: Treatment) -> dict[str, Any]:
        """For the trace: never the words."""
        return {
            "chunk_id": str(self.chunk_id),
            "document_id": str(self.document_id),
            "rules": list(self.rules),
            "score": self.score,
            "treatment": treatment,
        }


@dataclass(frozen=True)
class Screened(Generic[Found]):
    """The passages to go on with, in order, and those among all that give instructions."""

    passages: list[Found]
    suspects: Mapping[UUID, Suspect] = field(default_factory=dict[UUID, Suspect])


def screened(passages: Sequence[Found], treatment: Treatment) -> Screened[Found]:
    suspects = {passage.chunk_id: found for passage in passages if (found := suspect_of(passage))}
    for passage, verdict in across_borders(passages):
        suspects[passage.chunk_id] = _also(suspects.get(passage.chunk_id), passage, verdict)
    if not suspects:
        return Screened(list(passages))
    clean = [passage for passage in passages if passage.chunk_id not in suspects]
    if treatment == "drop":
        return Screened(clean, suspects)
    if treatment == "lower":
        return Screened([*clean, *(one for one in passages if one.chunk_id in suspects)], suspects)
    return Screened(list(passages), suspects)


def material(sources: Sequence[Source], suspects: Mapping[UUID, Suspect]) -> list[Source]:
    """The sources as generators and checks read them: instructions are blank, every other character keeps its place."""
    return [_without_orders(source, suspects.get(source.chunk_id)) for source in sources]


def blanked(text: str, spans: Sequence[Span]) -> str:
    """Line breaks stay, so that what stands around a span doesn't run together."""
    for span in spans:
        blank = "".join("\n" if character == "\n" else " " for character in text[span.start : span.end])
        text = text[: span.start] + blank + text[span.end :]
    return text


def shown_to_generator(source: Source) -> Source:
    """Without characters that show nothing. Its places are no longer those of the passage."""
    update = {"excerpt": visible(source.excerpt), **visible_above(source.title, source.location)}
    return source.model_copy(update=update)


def above(title: str, place: Location, suspect: Suspect) -> dict[str, Any]:
    """The `title` and the `location` of a passage, without those that give orders."""
    if not suspect.in_title:
        return {"title": title, "location": place}
    return {"title": UNTITLED, "location": place.model_copy(update={"heading_path": [], "table_header": None})}


def visible_above(title: str, place: Location) -> dict[str, Any]:
    """The same without characters that show nothing."""
    header = place.table_header
    seen = {"heading_path": [visible(one) for one in place.heading_path], "table_header": header and visible(header)}
    return {"title": visible(title), "location": place.model_copy(update=seen)}


def suspect_of(passage: SearchResult) -> Suspect | None:
    text, around = examined(passage.content), examined(_around(passage.title, passage.location))
    if not (text.injected or around.injected):
        return None
    return Suspect(
        passage.document_id,
        passage.chunk_id,
        tuple(sorted({*text.rules, *around.rules})),
        max(text.score, around.score),
        text.spans,
        around.injected,
    )


def _also(known: Suspect | None, passage: SearchResult, verdict: Verdict) -> Suspect:
    """The suspect with what it says together with its neighbour."""
    found = Suspect(passage.document_id, passage.chunk_id, verdict.rules, verdict.score, verdict.spans, in_title=False)
    if known is None:
        return found
    return replace(
        known,
        rules=tuple(sorted({*known.rules, *found.rules})),
        score=max(known.score, found.score),
        spans=tuple(dict.fromkeys((*known.spans, *found.spans))),
    )


def _around(title: str, location: Location) -> str:
    return "\n\n".join([title, *location.heading_path, location.table_header or ""])


def _without_orders(source: Source, suspect: Suspect | None) -> Source:
    if suspect is None:
        return source
    update = {"excerpt": blanked(source.excerpt, suspect.spans), **above(source.title, source.location, suspect)}
    return source.model_copy(update=update)
