"""From rankings to a report: measures with intervals, comparisons, the worst questions."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import numpy as np

from libs.contracts.evaluation import (
    Comparison,
    EvaluationReport,
    Item,
    Latency,
    SearchStrategy,
    StrategyReport,
    WorstQuestion,
)
from libs.evaluation.measures import HEADLINE, MEASURES, PerQuery, difference, mean, per_query

WORST = 10
FOUND_SHOWN = 5
# How many items of a ranking are looked at.
DEPTH = 100


@dataclass(frozen=True)
class JudgedQuestion:
    """`relevant` gives each judged item's grade; those above 0 are relevant.

    `digest` says which questions are asked and judged alike; without one it is made of text and items.
    """

    id: str
    text: str
    relevant: Mapping[str, int]
    digest: str = ""


def digest_of(text: str, judgements: Iterable[str]) -> str:
    return sha256(json.dumps([text, *sorted(judgements)]).encode()).hexdigest()[:12]


@dataclass
class Measured:
    """One strategy's rankings; `milliseconds` is how long each question took, `degraded` what didn't work in any."""

    strategy: SearchStrategy
    rankings: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    milliseconds: list[float] = field(default_factory=list[float])
    degraded: set[str] = field(default_factory=set[str])


@dataclass(frozen=True)
class Collection:
    """What was searched; `fingerprint` says which collections are the same."""

    name: str
    fingerprint: str
    documents: int


def make_report(
    collection: Collection,
    questions: Sequence[JudgedQuestion],
    measured: Sequence[Measured],
    describe: Callable[[str], Item],
    made_at: datetime,
) -> EvaluationReport:
    """Takes a second or so for a thousand questions: not on an event loop. `describe` says what a found item is."""
    relevant = {one.id: one.relevant for one in questions}
    scores = [per_query(relevant, one.rankings) for one in measured]
    return EvaluationReport(
        dataset=collection.name,
        corpus=collection.fingerprint,
        documents=collection.documents,
        questions=len(questions),
        made_at=made_at.isoformat(timespec="seconds"),
        strategies=[_strategy(one, score, questions, describe) for one, score in zip(measured, scores, strict=True)],
        comparisons=_comparisons([one.strategy for one in measured], scores),
        judged={one.id: one.digest or _digest(one) for one in questions},
    )


def _strategy(
    one: Measured, scores: PerQuery, questions: Sequence[JudgedQuestion], describe: Callable[[str], Item]
) -> StrategyReport:
    headline = {query: values[HEADLINE] for query, values in scores.items()}
    worst = sorted(questions, key=lambda question: (headline[question.id], question.id))[:WORST]
    p50, p95 = np.quantile(one.milliseconds, [0.5, 0.95])
    return StrategyReport(
        strategy=one.strategy,
        measures={name: mean([values[name] for values in scores.values()]) for name in MEASURES},
        latency_ms=Latency(p50=float(p50), p95=float(p95)),
        degraded=sorted(one.degraded),
        per_question=headline,
        ranks={question.id: _ranks(question, one.rankings[question.id]) for question in questions},
        worst=[
            WorstQuestion(
                id=question.id,
                text=question.text,
                value=headline[question.id],
                found=[describe(item) for item in one.rankings[question.id][:FOUND_SHOWN]],
            )
            for question in worst
        ],
    )


def _digest(question: JudgedQuestion) -> str:
    return digest_of(question.text, [f"{item} {grade}" for item, grade in question.relevant.items()])


def _ranks(question: JudgedQuestion, ranking: Sequence[str]) -> list[int | None]:
    places = {item: rank for rank, item in enumerate(ranking, 1)}
    return [places.get(item) for item, grade in question.relevant.items() if grade > 0]


def _comparisons(strategies: Sequence[str], scores: Sequence[PerQuery]) -> list[Comparison]:
    """Each strategy with every one before it."""
    found: list[Comparison] = []
    for number, strategy in enumerate(strategies):
        for other in range(number):
            change = difference(_values(scores[number]), _values(scores[other]))
            found.append(
                Comparison(
                    strategy=strategy,
                    against=strategies[other],
                    difference=change.value,
                    p=change.p_worse if change.value >= 0 else change.p_better,
                )
            )
    return found


def _values(scores: PerQuery) -> list[float]:
    return [scores[query][HEADLINE] for query in sorted(scores)]
