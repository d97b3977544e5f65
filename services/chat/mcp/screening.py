"""What a program's model reads of documents: no sentence that gives orders, and no character that is hidden."""

from collections.abc import Sequence

from libs.contracts.chat import Source
from libs.contracts.knowledge import PassageInContext, SearchResult
from services.chat.grounding.cleaning import visible
from services.chat.safety.screening import (
    Suspect,
    Treatment,
    above,
    blanked,
    material,
    screened,
    suspect_of,
    visible_above,
)


def results_shown(results: Sequence[SearchResult], treatment: Treatment) -> list[SearchResult]:
    """What was found, without or with those passages last that give orders, as the policy says."""
    found = screened(results, treatment)
    return [_shown(one, found.suspects.get(one.chunk_id)) for one in found.passages]


def passage_shown(passage: PassageInContext, treatment: Treatment) -> PassageInContext | None:
    """The passage and the text around it; None for one that is left out."""
    start, end = len(passage.before), len(passage.before) + len(passage.content)
    known = passage.model_dump(exclude={"before", "content", "after"})
    whole = SearchResult(**known, content=passage.before + passage.content + passage.after, score=0)
    suspect = suspect_of(whole)
    if suspect and treatment == "drop":
        inside = any(span.start < end and start < span.end for span in suspect.spans)
        if inside or suspect.in_title:
            return None
    text = blanked(whole.content, suspect.spans) if suspect else whole.content
    shown = _shown(whole, suspect)
    return passage.model_copy(
        update={
            "title": shown.title,
            "location": shown.location,
            "before": visible(text[:start]),
            "content": visible(text[start:end]),
            "after": visible(text[end:]),
        }
    )


def sources_shown(sources: Sequence[Source]) -> list[Source]:
    """An answer's sources: every character of an excerpt but those of orders keeps its place, which citations name."""
    shown = material(sources, screened([_result(source) for source in sources], "mark").suspects)
    return [source.model_copy(update=visible_above(source.title, source.location)) for source in shown]


def _shown(result: SearchResult, suspect: Suspect | None) -> SearchResult:
    if suspect:
        text = blanked(result.content, suspect.spans)
        result = result.model_copy(update={"content": text, **above(result.title, result.location, suspect)})
    update = {"content": visible(result.content), **visible_above(result.title, result.location)}
    return result.model_copy(update=update)


def _result(source: Source) -> SearchResult:
    known = source.model_dump(include={"document_id", "external_id", "chunk_id", "title", "location"})
    return SearchResult(**known, content=source.excerpt, score=source.relevance_score)
