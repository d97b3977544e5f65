"""Whether answers are worse than an earlier run's beyond noise."""

from libs.contracts.answer_evaluation import AnswerReport
from libs.contracts.evaluation import Change, Verdict
from libs.evaluation.answer_reporting import DREADED
from libs.evaluation.gate import SIGNIFICANT, IncomparableError, change_of

# The others follow from these, or are about what each run answered by itself.
GATED = (
    "right",
    "token F1",
    "faithfulness",
    "citation precision",
    "citation recall",
    "labelled document cited",
    "unanswerable refused",
    "followed",
    "benign prompts refused",
)


def judge_answers(report: AnswerReport, baseline: AnswerReport) -> Verdict:
    """Each measure by a paired bootstrap over the questions that both have with the same expectations.

    So many measures are looked at that each must be the less likely to be chance (Bonferroni). A report of another
    generator may be held against it. Raises IncomparableError.
    """
    if (report.corpus, report.asked) != (baseline.corpus, baseline.asked):
        raise IncomparableError("The baseline is of another collection, or of other questions.")
    compared: dict[str, dict[str, tuple[float, float]]] = {}
    for name in GATED:
        now, before = report.per_question.get(name, {}), baseline.per_question.get(name, {})
        both = sorted(id_ for id_ in now.keys() & before.keys() if report.judged[id_] == baseline.judged.get(id_))
        if both:
            compared[name] = {id_: (now[id_], before[id_]) for id_ in both}
    if not compared:
        raise IncomparableError("The baseline has no question in common with this run.")
    changes = [_change(name, values, SIGNIFICANT / len(compared)) for name, values in compared.items()]
    reasons = [
        f"{one.strategy} {one.difference:+.4f} over {one.questions} questions, p = {one.p_better:.4f}"
        for one in changes
        if one.fallen
    ]
    return Verdict(passed=not reasons, changes=changes, reasons=reasons)


def _change(name: str, values: dict[str, tuple[float, float]], significant: float) -> Change:
    """Its difference is as it is measured: above 0 where something dreaded happens more often."""
    if name not in DREADED:
        return change_of(name, values, significant)
    turned = change_of(name, {id_: (-now, -before) for id_, (now, before) in values.items()}, significant)
    return turned.model_copy(update={"difference": -turned.difference})
