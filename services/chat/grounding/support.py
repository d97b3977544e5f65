"""Which passages support a sentence, and how well."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from libs.contracts.chat import Source
from libs.contracts.errors import FootnoteError
from libs.telemetry.logs import get_logger
from libs.text.sentences import Span
from libs.text.words import content_stems
from services.chat.grounding.entailment import Entailment
from services.chat.grounding.facts import Facts, contradiction, facts_of, is_negated
from services.chat.grounding.negations import clauses
from services.chat.grounding.passages import Passages, Unit
from services.chat.grounding.swapped import swapped
from services.chat.ports import Embedder

log = get_logger(__name__)

# The figures below and chat.min_support were set on SciFact's claims: docs/decisions/0007-grounding.md.
SIMILARITY_WEIGHT = 0.5
# Without embeddings only the words speak, and they have to agree more.
LEXICAL_SUPPORT = 0.8
# Of a sentence's content words; a unit with fewer in common isn't worth embedding.
LEAST_COVERAGE = 0.2
CANDIDATES = 8
# A place with so many of a sentence's content words speaks of the same: what differs there contradicts the sentence.
SAME_MATTER = 0.5
# A part of a sentence stands by itself only with so many content words, and then needs more support than a whole.
STATEMENT_STEMS = 3
JOINED_SUPPORT = 0.75
# Another passage is cited too where it supports the sentence nearly as well as the best one.
NEARLY_AS_WELL = 0.05
MOST_CITED = 3
# An entailment model takes long for each place, and the best ones decide.
MOST_ASKED = 4


class Verdict(StrEnum):
    """What a check makes of a sentence; only the first may be cited."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    CONTRADICTED = "contradicted"
    OFF_QUESTION = "off_question"
    REPEATED = "repeated"
    EMPTY = "empty"


@dataclass(frozen=True)
class Cited:
    """The characters of source `n`'s excerpt that support a sentence, and how well, 0 to 1.

    `entailment` is an entailment model's probability, None where none was asked or could say.
    """

    n: int
    spans: tuple[Span, ...]
    score: float = 1.0
    entailment: float | None = None


@dataclass(frozen=True)
class Support:
    """`score` is 0 to 1. `cited` is empty exactly where the sentence isn't supported; `reason` then says why."""

    score: float
    cited: tuple[Cited, ...] = ()
    reason: str | None = None
    nearest: int | None = None
    verdict: Verdict = Verdict.SUPPORTED


@dataclass(frozen=True)
class _Compared:
    """The places that support a sentence by the rules, best first, and what it is where there are none."""

    supporting: Sequence[tuple[float, Unit]]
    otherwise: Support


class SupportFinder:
    """Compares sentences with the sources of one answer.

    A sentence that stands in a passage word for word is supported by it, with score 1. Any other's score is half the
    cosine between it and a passage's sentence and half the share of its content words found there; and what it states
    exactly (numbers, codes, names, negation) must be found in that same place. Where an entailment model can say, that
    place must entail the sentence too.
    """

    def __init__(
        self, sources: Sequence[Source], embedder: Embedder, min_support: float, entailment: Entailment | None = None
    ) -> None:
        self.passages = Passages(sources)
        self._sources = {source.n: source for source in sources}
        self._entailment = entailment
        self._compared: dict[str, _Compared] = {}
        self._embedder = embedder
        self._min_support = min_support
        self._embedded: dict[Unit, NDArray[np.float32]] = {}
        self.embedding_failed = False

    def verbatim(self, sentence: str) -> Support | None:
        """Support by a passage that has the sentence word for word."""
        found = self.passages.verbatim(sentence)
        return Support(1.0, (Cited(*found),), nearest=found[0]) if found else None

    @property
    def entailment_failed(self) -> bool:
        return self._entailment is not None and self._entailment.failed

    @property
    def asks_entailment(self) -> bool:
        return self._entailment is not None and not self._entailment.failed

    async def weigh(self, sentences: Sequence[str]) -> None:
        """Asks the entailment model about several sentences at once, before each is looked at by itself."""
        if self._entailment:
            compared = [(await self._compare(sentence), sentence) for sentence in sentences]
            pairs = [(unit, sentence) for found, sentence in compared for _, unit in found.supporting[:MOST_ASKED]]
            await self._entailment.weigh(pairs, self._sources)

    async def paraphrase(self, sentence: str) -> Support:
        """Support by passages that say the same in other words."""
        whole = await self._by_one_place(sentence)
        parts = clauses(sentence)
        joined = len(parts) > 1 and all(len(content_stems(part)) >= STATEMENT_STEMS for part in parts)
        # What a place has by the rules and a model reads the contrary of isn't saved by its parts.
        contrary = whole.verdict is Verdict.CONTRADICTED and (await self._compare(sentence)).supporting
        return whole if whole.cited or contrary or not joined else await self._joined(parts, whole)

    async def _joined(self, parts: Sequence[str], whole: Support) -> Support:
        """A sentence that joins several statements, each supported by a place of its own."""
        cited: dict[int, list[Span]] = {}
        score = 1.0
        for part in parts:
            support = await self._by_one_place(part)
            if support.score < JOINED_SUPPORT or not support.cited:
                return whole
            score = min(score, support.score)
            cited.setdefault(support.cited[0].n, []).extend(support.cited[0].spans)
        found = tuple(
            Cited(n, tuple(sorted(set(spans), key=lambda span: span.start)), score) for n, spans in cited.items()
        )
        return Support(score, found, nearest=found[0].n)

    async def _by_one_place(self, sentence: str) -> Support:
        compared = await self._compare(sentence)
        if not compared.supporting:
            return compared.otherwise
        supporting, against = await self._entailed(sentence, compared.supporting)
        if against:
            return against
        best_score, best, _ = supporting[0]
        cited: dict[int, Cited] = {}
        places: set[tuple[UUID, int, int]] = set()
        for score, unit, entailment in supporting:
            if score < best_score - NEARLY_AS_WELL or len(cited) == MOST_CITED:
                break
            mine = self._places(unit)
            if unit.n not in cited and places.isdisjoint(mine):
                cited[unit.n] = Cited(unit.n, unit.spans, score, entailment)
                places |= mine
        return Support(best_score, tuple(cited.values()), nearest=best.n)

    def _places(self, unit: Unit) -> set[tuple[UUID, int, int]]:
        """Where its sentences stand in their document: passages that follow one another share some."""
        source = self._sources[unit.n]
        begin = source.location.start
        return {(source.document_id, begin + span.start, begin + span.end) for span in unit.spans}

    async def _entailed(
        self, sentence: str, places: Sequence[tuple[float, Unit]]
    ) -> tuple[list[tuple[float, Unit, float | None]], Support | None]:
        """The places that a model lets support the sentence, each with its probability; or why none does."""
        if self._entailment is None:
            return [(score, unit, None) for score, unit in places], None
        places = places[:MOST_ASKED]
        await self._entailment.weigh([(unit, sentence) for _, unit in places], self._sources)
        supporting: list[tuple[float, Unit, float | None]] = []
        against: Support | None = None
        for score, unit in places:
            inference = self._entailment.of(unit, sentence)
            if inference is None or self._entailment.supports(inference):
                supporting.append((score, unit, inference and inference.entailment))
            elif self._entailment.contradicts(inference):
                reason = f"an entailment model reads the contrary there, with {inference.contradiction:.2f}"
                against = Support(score, reason=reason, nearest=unit.n, verdict=Verdict.CONTRADICTED)
            else:
                reason = f"an entailment model doesn't read it there: {inference.entailment:.2f}"
                against = against or Support(score, reason=reason, nearest=unit.n, verdict=Verdict.UNSUPPORTED)
        return supporting, None if supporting else against

    async def _compare(self, sentence: str) -> _Compared:
        """What the rules say, once for each sentence."""
        if sentence not in self._compared:
            self._compared[sentence] = await self._by_rules(sentence)
        return self._compared[sentence]

    async def _by_rules(self, sentence: str) -> _Compared:
        stems = content_stems(sentence)
        if not stems:
            return _Compared((), Support(0.0, reason="it states nothing", verdict=Verdict.EMPTY))
        facts = facts_of(sentence, self.passages.ordinary_words)
        covered = sorted(
            (
                (len(stems & unit.stems | stems & facts.names & unit.around) / len(stems), unit)
                for unit in self.passages.units
            ),
            key=lambda item: item[0],
            reverse=True,
        )
        candidates: list[tuple[float, Unit]] = []
        refused: str | None = None
        verdict = Verdict.UNSUPPORTED
        for coverage, unit in covered:
            if coverage < LEAST_COVERAGE or len(candidates) == CANDIDATES:
                break
            against = (
                contradiction(facts, unit.facts, unit.around)
                or negated_otherwise(sentence, facts, unit)
                or swapped(sentence, facts.numbers, unit.text, unit.facts.numbers)
            )
            if against is None:
                candidates.append((coverage, unit))
            else:
                refused = refused or against
                verdict = Verdict.CONTRADICTED if coverage >= SAME_MATTER else verdict
        nearest = covered[0][1].n if covered and covered[0][0] else None
        if not candidates:
            reason = refused or "no passage speaks of it"
            return _Compared((), Support(0.0, reason=reason, nearest=nearest, verdict=verdict))
        scored, needed = await self._scored(sentence, candidates)
        best_score, best = scored[0]
        reason = refused or "too little support"
        otherwise = Support(best_score, reason=reason, nearest=best.n, verdict=verdict)
        return _Compared([(score, unit) for score, unit in scored if score >= needed], otherwise)

    async def _scored(
        self, sentence: str, candidates: list[tuple[float, Unit]]
    ) -> tuple[list[tuple[float, Unit]], float]:
        """The candidates by score, best first, and the score that one needs."""
        needed = self._min_support
        scored = candidates
        try:
            similarities = await self.similarities(sentence, [unit for _, unit in candidates])
        except FootnoteError as error:
            log.warning("support is judged by words alone", reason=error.message)
            self.embedding_failed = True
            needed = LEXICAL_SUPPORT
        else:
            scored = [
                (SIMILARITY_WEIGHT * max(0.0, similarity) + (1 - SIMILARITY_WEIGHT) * coverage, unit)
                for (coverage, unit), similarity in zip(candidates, similarities, strict=True)
            ]
        return sorted(scored, key=lambda item: (-item[0], item[1].n)), needed

    async def similarities(self, sentence: str, units: list[Unit]) -> list[float]:
        """The cosine of the sentence with each of the units. Raises FootnoteError."""
        missing = [unit for unit in units if unit not in self._embedded]
        rows = await self._embedder.embed([sentence, *(unit.text for unit in missing)])
        self._embedded.update(zip(missing, rows[1:], strict=True))
        return [float(rows[0] @ self._embedded[unit]) for unit in units]


def negated_otherwise(sentence: str, facts: Facts, unit: Unit) -> str | None:
    """Whether one denies what the other states: each clause is held against the unit's clause that says most of it."""
    if not (facts.denials or unit.facts.denials):
        return None
    found = [(content_stems(clause), is_negated(clause)) for clause in clauses(unit.text)]
    for clause in clauses(sentence):
        stems, negated = content_stems(clause), is_negated(clause)
        # Of clauses that say as much of it, the one that says least besides.
        alike = [(len(stems & other), -len(other)) for other, _ in found]
        most = max(alike, default=(0, 0))
        if any(most[0] and one == most and negated != other for one, (_, other) in zip(alike, found, strict=True)):
            return "one denies what the other states"
    return None
