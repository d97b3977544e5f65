"""The answer as it is put together: text with rebuilt markers, and where each citation stands in it."""

from collections.abc import Sequence

from libs.contracts.chat import Citation, TextSpan
from services.chat.grounding.cleaning import UNSUPPORTED
from services.chat.grounding.support import Cited


def markers(numbers: Sequence[int]) -> str:
    """What follows a cited sentence in the answer's text."""
    return "".join([" ", *(f"[{number}]" for number in numbers)]) if numbers else ""


def marked(sentence: str) -> str:
    """A sentence that no source supports, as the answer's text has it."""
    return f"{sentence} {UNSUPPORTED}"


class AnswerBuilder:
    """Offsets are characters of `text` (Python's: Unicode code points), which only grows."""

    def __init__(self) -> None:
        self.text = ""
        self.citations: list[Citation] = []
        self.unsupported: list[TextSpan] = []

    def add(self, sentence: str, cited: Sequence[Cited], gap: str = " ") -> tuple[str, list[Citation]]:
        """Appends a sentence with its markers; returns the piece that was added, and its citations.

        `gap` stands between the sentence and what was said before it.
        """
        gap = gap if self.text else ""
        start = len(self.text) + len(gap)
        citations = [
            Citation(
                start=start,
                end=start + len(sentence),
                n=source.n,
                spans=[TextSpan(start=span.start, end=span.end) for span in source.spans],
            )
            for source in sorted(cited, key=lambda source: source.n)
        ]
        piece = gap + sentence + markers([citation.n for citation in citations])
        self.text += piece
        self.citations += citations
        return piece, citations

    def add_unsupported(self, sentence: str, gap: str = " ") -> tuple[str, TextSpan]:
        """Appends a marked sentence; returns the piece that was added, and where in the answer the sentence stands."""
        gap = gap if self.text else ""
        start = len(self.text) + len(gap)
        span = TextSpan(start=start, end=start + len(sentence))
        piece = gap + marked(sentence)
        self.text += piece
        self.unsupported.append(span)
        return piece, span

    def append(self, text: str) -> None:
        """Appends text that cites nothing."""
        self.text += text
