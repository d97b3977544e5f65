"""A stream of generated text in, checked sentences out."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass, replace
from typing import Protocol

from libs.contracts.chat import Source
from libs.text.sentences import SentenceStream
from libs.text.words import content_stems
from services.chat.grounding.cleaning import addresses, clean, without_made_up_addresses
from services.chat.grounding.disagreement import Conflict, Disagreements
from services.chat.grounding.entailment import Entailment
from services.chat.grounding.question import AskedQuestion
from services.chat.grounding.repetition import LastAnswer
from services.chat.grounding.support import Cited, Support, SupportFinder, Verdict
from services.chat.grounding.unknowing import says_that_it_doesnt_know
from services.chat.ports import Embedder

_HEADING = re.compile(r"\s*(?:#{1,6}\s|={3,}|-{3,}|\*{3,}|```|~~~)|\s*\*\*[^*]+\*\*:?\s*$")
_LIST_OR_ROW = re.compile(r"(?:[-*+•‣◦–]|\d{1,3}[.)])\s|\|")
_ENDED = re.compile(r"[.!?…。！？｡][\"'”’»)\]*_`\s\d\[]*$")
# What may come before a claim without being part of it.
_PREAMBLE = re.compile(
    r"^\W*(?:(?:based on|according to) (?:the )?(?:\w+ )?(?:passages?|sources?|documents?|context|information)"
    r"(?: provided| given| above)?|sure|certainly|yes|no|in (?:summary|conclusion)"
    r"|(?:selon|d['’]après) (?:les?|la) (?:passages?|sources?|documents?|extraits?|contexte)(?: fournie?s?)?"
    r"|según (?:el|la|los|las) (?:pasajes?|fuentes?|documentos?|contexto|información)(?: proporcionad\w+)?"
    r"|secondo (?:il|la|i|le) (?:passagg\w+|font[ei]|document[oi]|contesto)(?: fornit\w+)?"
    r"|(?:segundo|de acordo com) (?:o|a|os|as) (?:passage\w+|fontes?|documentos?|contexto)(?: fornecid\w+)?"
    r"|ja|nein|oui|non|sí|sì|sim|não|nee)\s*[,:!]\s+(?=\S)",
    re.IGNORECASE,
)
# Where the verb follows at once, it stays in what is said, and only what is checked is without it.
_LED_IN = re.compile(
    r"^\W*(?:(?:laut|gemäß|nach|entsprechend) (?:de[nrm] |dieser |diesem )?(?:\w+en )?"
    r"(?:passagen?|quellen?|textstellen?|dokument(?:en|s)?|unterlagen|informationen|kontext|auszügen)"
    r"|volgens (?:de |het )?(?:\w+e )?(?:passages?|bron(?:nen)?|documenten?|context|informatie))"
    # "Laut Quelle 2 gilt", but not "laut Quelle 30 Tage", of which the number is what must be checked.
    r"(?: \d{1,3}(?=,|\s(?:hat|haben|ist|sind|wird|werden|beträgt|betragen|gilt|gelten|gibt|darf|dürfen|muss|müssen"
    r"|kann|können|soll|sollen|steht|dauert|heeft|hebben|is|zijn|wordt|worden|geldt|gelden|duurt|mag|mogen|moet|moeten"
    r"|kan|kunnen)\b))?,?\s+(?=\S)",
    re.IGNORECASE,
)


# Of so many sentences the model is asked at once.
MANY = 2


@dataclass(frozen=True)
class Checked:
    """A sentence as a reader may see it, what supports it, and the white space that stood before it.

    Cut where `support.cited` is empty, unless it is `marked`: then a reader sees it, as a sentence without support.
    """

    text: str
    support: Support
    gap: str
    marked: bool = False


class Grounder:
    """Checks the sentences of one answer against its question and sources.

    With `mark`, a sentence that nothing supports is shown and marked, unless a passage contradicts it or it doesn't
    speak of what was asked. `last` is there where the question is a follow-up.
    """

    def __init__(
        self,
        question: str,
        sources: Sequence[Source],
        embedder: Embedder,
        min_support: float,
        *,
        mark: bool = False,
        entailment: Entailment | None = None,
        last: LastAnswer | None = None,
    ) -> None:
        self._question = AskedQuestion(question, embedder)
        self._mark = mark
        self._last = last
        self._titles = {source.n: source.title for source in sources}
        self._headings = {source.n: " ".join(source.location.heading_path) for source in sources}
        self._finder = SupportFinder(sources, embedder, min_support, entailment)
        self._source_text = "\n".join(source.excerpt for source in sources)
        self._addresses = addresses(self._source_text)
        self._disagreements = Disagreements(question, self._finder)
        self._said: set[str] = set()

    @property
    def embedding_failed(self) -> bool:
        return self._finder.embedding_failed

    @property
    def entailment_failed(self) -> bool:
        return self._finder.entailment_failed

    async def foresee(self, pieces: Sequence[str]) -> None:
        """Lets an entailment model read sentences that came together at once, before each is checked."""
        if len(pieces) < MANY or not self._finder.asks_entailment:
            return
        texts = [(piece, clean(piece, self._addresses, self._source_text)) for piece in pieces]
        said_otherwise = [text for piece, text in texts if content_stems(text) and not self._finder.verbatim(piece)]
        await self._finder.weigh([_bare_claim(_without_preamble(text)) for text in said_otherwise])

    async def check(self, piece: str, *, chosen: bool = False) -> Checked | None:
        """One sentence with the white space before it; None where there is nothing but space.

        `chosen` says that its engine has picked it for the question, and that it needn't speak of it by itself.
        """
        if not piece.strip():
            return None
        text = clean(piece, self._addresses, self._source_text)
        gap = _gap(piece, text)
        if _HEADING.match(piece) or not content_stems(text):
            return Checked(text, Support(0.0, reason="it states nothing", verdict=Verdict.EMPTY), gap)
        if text.casefold() in self._said:
            return Checked(text, Support(0.0, reason="it was said before", verdict=Verdict.REPEATED), gap)
        # The raw words, links and all, are looked for in the passages; the reader gets the clean ones.
        support = self._finder.verbatim(piece)
        if support is None:
            text = _without_preamble(text)
            support = await self._finder.paraphrase(_bare_claim(text))
        if support.cited:
            # True, and no answer.
            against = await self._misses_question(text, support, chosen=chosen)
            if against:
                support = replace(support, cited=(), reason=against, verdict=Verdict.OFF_QUESTION)
        elif says_that_it_doesnt_know(text):
            support = replace(support, reason="it says that it doesn't know", verdict=Verdict.EMPTY)
        marked = self._mark and support.verdict is Verdict.UNSUPPORTED and await self._speaks_of_question(text)
        if marked:
            # Of a supported sentence the passage has every address.
            text = without_made_up_addresses(text, self._addresses)
            marked = bool(content_stems(text))
        if support.cited or marked:
            self._said.add(text.casefold())
        return Checked(text, support, gap, marked)

    async def _speaks_of_question(self, text: str) -> bool:
        return not self._question.denied_wrongly(text) and await self._question.is_borne_on(text, "")

    def twin(self) -> "Grounder":
        """Another that has compared what this one has, and has said nothing yet."""
        twin = copy(self)
        twin.start_over()
        return twin

    def start_over(self) -> None:
        """Nothing counts as said any more."""
        self._said = set()

    async def bearing(self, checked: Checked) -> float:
        """0 to 1: how much a supported sentence speaks of what was asked."""
        return await self._question.bearing(checked.text, self._titles_of(checked.support.cited))

    def _titles_of(self, cited: Sequence[Cited]) -> str:
        return " ".join(self._titles[one.n] for one in cited)

    async def disagreement(self, checked: Checked) -> Conflict | None:
        """What another document says instead of a supported sentence."""
        return await self._disagreements.about(checked.support)

    def quoted(self, conflict: Conflict, *, preferred: bool) -> str:
        """The words of one side, as a reader may see them."""
        unit = conflict.preferred if preferred else conflict.other
        return clean(unit.text, self._addresses, self._source_text)

    async def _misses_question(self, text: str, support: Support, *, chosen: bool) -> str | None:
        if self._question.denied_wrongly(text):
            return "the question asks what is not so"
        titles = self._titles_of(support.cited)
        if not chosen and not await self._question.is_borne_on(text, titles):
            return "it doesn't speak of what was asked"
        headings = " ".join(self._headings[one.n] for one in support.cited)
        if self._last and self._last.is_repeated_by(text, f"{titles} {headings}"):
            return "the answer before has it, and it says nothing of what is asked now"
        return None


class Generated(Protocol):
    """A text that is being generated."""

    def deltas(self) -> AsyncGenerator[str]: ...

    def chosen(self) -> bool:
        """Whether its sentences were picked for the question."""
        ...

    def cut_off(self) -> bool:
        """Whether, once the deltas have ended, they ended before the text did."""
        ...


async def checked_sentences(generated: Generated, grounder: Grounder) -> AsyncGenerator[Checked]:
    """Each sentence as soon as its end is certain. Closing this ends the generation."""
    stream = SentenceStream()
    async with aclosing(generated.deltas()) as deltas:
        async for delta in deltas:
            pieces = stream.feed(delta)
            await grounder.foresee(pieces)
            for piece in pieces:
                checked = await grounder.check(piece, chosen=generated.chosen())
                if checked:
                    yield checked
    pieces = stream.close()
    await grounder.foresee(pieces)
    for piece in pieces:
        # Half a sentence may lack the half that makes it true.
        if generated.cut_off() and not _ENDED.search(piece):
            continue
        checked = await grounder.check(piece, chosen=generated.chosen())
        if checked:
            yield checked


def _without_preamble(text: str) -> str:
    claim = _PREAMBLE.sub("", text, count=1)
    return text if claim == text else claim[0].upper() + claim[1:]


def _bare_claim(text: str) -> str:
    return _LED_IN.sub("", text, count=1)


def _gap(piece: str, text: str) -> str:
    before = piece[: len(piece) - len(piece.lstrip())]
    if before.count("\n") > 1:
        return "\n\n"
    return "\n" if "\n" in before or _LIST_OR_ROW.match(text) else " "
