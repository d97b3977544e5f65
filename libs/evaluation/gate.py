"""Whether a report is worse than an earlier one beyond noise."""

from collections.abc import Mapping

from libs.contracts.evaluation import Change, EvaluationReport, Verdict
from libs.evaluation.measures import HEADLINE, difference

# A drop this unlikely to be chance fails the gate.
SIGNIFICANT = 0.05
# With fewer differences a bootstrap finds significance where there can't be any: all of four are worse by chance in
# one of sixteen cases.
LEAST_CHANGED = 5


class IncomparableError(ValueError):
    """The message says why the two can't be compared."""


def judge(report: EvaluationReport, baseline: EvaluationReport) -> Verdict:
    """Each strategy by a paired bootstrap over the questions that both asked with the same judgements.

    Raises IncomparableError.
    """
    if report.corpus != baseline.corpus:
        raise IncomparableError("The baseline is of another collection.")
    before = {one.strategy: one.per_question for one in baseline.strategies}
    changes: list[Change] = []
    for one in report.strategies:
        old, new = before.get(one.strategy, {}), one.per_question
        both = sorted(id_ for id_ in old.keys() & new.keys() if _judged_alike(id_, report, baseline))
        if not both:
            raise IncomparableError(f"The baseline has no question of {one.strategy} in common with this run.")
        changes.append(change_of(one.strategy, {query: (new[query], old[query]) for query in both}))
    reasons = [
        f"{one.strategy}: {HEADLINE} {one.difference:+.4f} over {one.questions} questions, p = {one.p_better:.3f}"
        for one in changes
        if one.fallen
    ]
    return Verdict(passed=not reasons, changes=changes, reasons=reasons)


def change_of(name: str, values: Mapping[str, tuple[float, float]], significant: float = SIGNIFICANT) -> Change:
    """Of a measure where more is better; `values` are each question's now and before."""
    now, before = [one for one, _ in values.values()], [one for _, one in values.values()]
    change = difference(now, before)
    changed = sum(one != other for one, other in values.values())
    return Change(
        strategy=name,
        questions=len(values),
        difference=change.value,
        p_better=change.p_better,
        fallen=change.value < 0 and change.p_better < significant and changed >= LEAST_CHANGED,
    )


def _judged_alike(question: str, one: EvaluationReport, other: EvaluationReport) -> bool:
    """A report without digests is taken at its word."""
    known, before = one.judged.get(question), other.judged.get(question)
    return known is None or before is None or known == before
