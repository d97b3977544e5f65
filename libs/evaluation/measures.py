"""How good rankings are, as trec_eval counts it, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytrec_eval
from numpy.typing import NDArray

from libs.contracts.evaluation import Interval

# What a reader sees, and what trec_eval calls it.
MEASURES = {
    "nDCG@10": "ndcg_cut_10",
    "Recall@10": "recall_10",
    "Recall@100": "recall_100",
    "MRR@10": "recip_rank",
    "P@10": "P_10",
}
HEADLINE = "nDCG@10"
CUT = 10
RESAMPLES = 5_000
CONFIDENCE = 0.95

# Question to its documents, best first; question to each measure's value.
Rankings = Mapping[str, Sequence[str]]
PerQuery = dict[str, dict[str, float]]


def per_query(relevant: Mapping[str, Mapping[str, int]], rankings: Rankings) -> PerQuery:
    """Each question's measures; a question that found nothing has zeros."""
    judged = {query: dict(grades) for query, grades in relevant.items()}
    whole = pytrec_eval.RelevanceEvaluator(judged, {"ndcg_cut", "recall", "P"}).evaluate(_run(rankings, None))
    # trec_eval's recip_rank has no cut of its own.
    first = pytrec_eval.RelevanceEvaluator(judged, {"recip_rank"}).evaluate(_run(rankings, CUT))
    return {
        query: {
            name: float((whole.get(query, {}) | first.get(query, {})).get(key, 0.0)) for name, key in MEASURES.items()
        }
        for query in relevant
    }


def mean(values: Sequence[float]) -> Interval:
    """The mean with its bootstrap interval."""
    sample = np.asarray(values, dtype=np.float64)
    low, high = np.quantile(_resampled_means(sample), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value=float(sample.mean()), low=float(low), high=float(high))


@dataclass(frozen=True)
class Difference:
    """Of means over the same questions: `p_worse` is the share of paired resamples in which the first isn't better."""

    value: float
    p_worse: float

    @property
    def p_better(self) -> float:
        """The share in which the first isn't worse."""
        return 1 - self.p_worse


def difference(one: Sequence[float], other: Sequence[float]) -> Difference:
    """The paired bootstrap (Efron and Tibshirani 1993; Sakai 2006 for retrieval)."""
    apart = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    means = _resampled_means(apart)
    # Equal counts half to each side, so that two equal rankings are neither better nor worse.
    return Difference(float(apart.mean()), float((means < 0).mean() + (means == 0).mean() / 2))


def _resampled_means(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """Always with the same seed: a report made twice says the same."""
    drawn = np.random.default_rng(0).integers(0, sample.size, size=(RESAMPLES, sample.size))
    return sample[drawn].mean(axis=1)


def _run(rankings: Rankings, cut: int | None) -> dict[str, dict[str, float]]:
    return {
        query: {document: float(-rank) for rank, document in enumerate(documents[:cut])}
        for query, documents in rankings.items()
    }
