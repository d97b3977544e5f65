"""Orders that begin in one passage and go on in the next one of its document, seen where both were found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from libs.contracts.knowledge import SearchResult
from libs.text.sentences import Span, split_sentences
from services.chat.safety.injection.detector import Verdict, examined

# On either side of a border: an order is seldom longer, and what lies further off was looked at in its own passage.
SENTENCES = 3
MOST_CHARS = 600
# White space between two passages is in neither.
MOST_APART = 4


@dataclass(frozen=True)
class _Border:
    """`shared` characters at the end of the first passage stand at the start of the second too."""

    first: SearchResult
    second: SearchResult
    shared: int
    between: str


def across_borders(passages: Sequence[SearchResult]) -> list[tuple[SearchResult, Verdict]]:
    """What neighbours say together; spans are each passage's own. A passage may come twice."""
    found: list[tuple[SearchResult, Verdict]] = []
    for border in _borders(passages):
        before, after = border.first.content, border.second.content
        start = max(split_sentences(before)[-SENTENCES:][0].start, len(before) - MOST_CHARS)
        end = border.shared + min(split_sentences(after[border.shared :])[:SENTENCES][-1].end, MOST_CHARS)
        if not examined(before[start:] + border.between + after[border.shared : end]).injected:
            continue
        # Seldom so far. Now with all around it, which may say that it's only an example.
        verdict = examined(before + border.between + after[border.shared :])
        for passage, begins in (
            (border.first, 0),
            (border.second, len(before) + len(border.between) - border.shared),
        ):
            length = len(passage.content)
            here = tuple(
                Span(max(0, span.start - begins), min(length, span.end - begins))
                for span in verdict.spans
                if span.start - begins < length and span.end > begins
            )
            if here:
                found.append((passage, Verdict(here, verdict.rules, verdict.score)))
    return found


def _borders(passages: Sequence[SearchResult]) -> Iterator[_Border]:
    placed = sorted(passages, key=lambda one: (str(one.document_id), one.location.start))
    for _, of_document in groupby(placed, key=lambda one: one.document_id):
        for first, second in pairwise(of_document):
            apart = second.location.start - first.location.end
            shared = max(0, -apart)
            # Without words of its own a passage adds nothing to the other.
            if apart > MOST_APART or not second.content[shared:].strip() or not first.content.strip():
                continue
            if shared and not first.content.endswith(second.content[:shared]):
                continue
            yield _Border(first, second, shared, "\n\n" if apart > 1 else " " * max(0, apart))
