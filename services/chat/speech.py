"""An answer said sentence by sentence: into the draft, and to whoever reads the stream."""

from dataclasses import dataclass, replace

from libs.contracts.chat import Disagreement, Outcome, Source, TextSpan, TokenEvent, UnsupportedEvent
from services.chat.draft import Draft
from services.chat.events import Publish
from services.chat.grounding.disagreement import Conflict
from services.chat.grounding.grounder import Checked, Grounder
from services.chat.grounding.passages import Unit
from services.chat.grounding.support import Cited, Support
from services.chat.texts import Texts, texts

# More would make an answer of nothing else.
MOST_DISAGREEMENTS = 2


@dataclass(frozen=True)
class Said:
    """A sentence, and where in the answer its words stand."""

    checked: Checked
    place: TextSpan


class Speech:
    """Says checked sentences, and where the sources of one disagree, what each has."""

    def __init__(self, draft: Draft, publish: Publish) -> None:
        self._draft = draft
        self._publish = publish
        self._told: set[frozenset[int]] = set()
        self._quoted: set[str] = set()

    async def say(self, checked: Checked, model: str, grounder: Grounder) -> list[Said]:
        """Says a supported or marked sentence; returns what was said.

        Where another document has something else, the preferred side is said, and then the other; the sentence's own
        words may then stand nowhere. What such a telling has quoted isn't said again.
        """
        if checked.text.casefold() in self._quoted:
            return []
        if not checked.support.cited:
            return [Said(checked, self._mark(checked))]
        self._draft.outcome = Outcome.ANSWERED
        self._draft.model = model
        conflict = None
        if len(self._draft.disagreements) < MOST_DISAGREEMENTS:
            conflict = await grounder.disagreement(checked)
        if conflict is None or frozenset((conflict.preferred.n, conflict.other.n)) in self._told:
            return [self._cite(checked)]
        other = grounder.quoted(conflict, preferred=False)
        if other.casefold() in self._quoted:
            return [self._cite(checked)]
        self._told.add(frozenset((conflict.preferred.n, conflict.other.n)))
        preferred = checked
        if conflict.preferred.n not in {cited.n for cited in checked.support.cited}:
            words = grounder.quoted(conflict, preferred=True)
            preferred = replace(checked, text=words, support=_by(conflict.preferred))
        self._quoted |= {preferred.text.casefold(), other.casefold()}
        return [self._cite(preferred), self._tell(conflict, other)]

    def _mark(self, checked: Checked) -> TextSpan:
        piece, span = self._draft.said.add_unsupported(checked.text, checked.gap)
        self._publish(TokenEvent(text=piece))
        self._publish(UnsupportedEvent(start=span.start, end=span.end))
        return span

    def _tell(self, conflict: Conflict, words: str) -> Said:
        """What the other side has, as a sentence of its own."""
        source = self._source(conflict.other.n)
        text = f"{_opening(conflict, source, texts(self._draft.language_wanted))} {words}"
        said = self._cite(Checked(text, _by(conflict.other), " "))
        self._draft.disagreements.append(
            Disagreement(
                preferred=conflict.preferred.n,
                other=conflict.other.n,
                differs=conflict.differs,
                because=conflict.because,
                start=said.place.start,
                end=said.place.end,
            )
        )
        self._draft.trace.add("disagreement", **conflict.record())
        return said

    def _cite(self, checked: Checked) -> Said:
        piece, citations = self._draft.said.add(checked.text, checked.support.cited, checked.gap)
        self._publish(TokenEvent(text=piece))
        for citation in citations:
            self._publish(citation)
        return Said(checked, TextSpan(start=citations[0].start, end=citations[0].end))

    def _source(self, n: int) -> Source:
        return next(source for source in self._draft.sources if source.n == n)


def _opening(conflict: Conflict, source: Source, said: Texts) -> str:
    if conflict.because == "authority":
        return said.of_less_authority
    # By their dates the two are told apart only where both have one.
    return said.older_of(source.date) if conflict.because == "date" and source.date else said.another


def _by(unit: Unit) -> Support:
    return Support(1.0, (Cited(unit.n, unit.spans),), nearest=unit.n)
