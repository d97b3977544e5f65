import random

import pytest

from libs.contracts.evaluation import EvaluationReport, Interval, Latency, StrategyReport
from libs.evaluation.gate import IncomparableError, judge

QUESTIONS = 60


def report(values: dict[str, float], corpus: str = "c", judged: dict[str, str] | None = None) -> EvaluationReport:
    none = Interval(value=0, low=0, high=0)
    strategy = StrategyReport(
        strategy="hybrid",
        measures={"nDCG@10": none},
        latency_ms=Latency(p50=1, p95=1),
        degraded=[],
        per_question=values,
    )
    return EvaluationReport(
        dataset="d",
        corpus=corpus,
        documents=1,
        questions=len(values),
        made_at="",
        strategies=[strategy],
        comparisons=[],
        judged=judged or {},
    )


def scores(seed: int) -> dict[str, float]:
    drawn = random.Random(seed)
    return {f"q{number}": drawn.random() for number in range(QUESTIONS)}


def test_a_baseline_passes_itself_and_noise_passes():
    before = scores(0)
    assert judge(report(before), report(before)).passed
    drawn = random.Random(1)
    noisy = {name: value + drawn.gauss(0, 0.1) for name, value in before.items()}
    assert judge(report(noisy), report(before)).passed


def test_a_drop_beyond_noise_fails_and_a_rise_does_not():
    before = scores(0)
    worse = {name: value - 0.1 * (number % 3) for number, (name, value) in enumerate(before.items())}
    verdict = judge(report(worse), report(before))
    assert not verdict.passed
    assert verdict.reasons == ["hybrid: nDCG@10 -0.1000 over 60 questions, p = 0.000"]
    assert judge(report(before), report(worse)).passed


def test_a_few_questions_that_fell_prove_nothing():
    before = scores(0)
    for fallen, passed in ((4, True), (5, False)):
        worse = before | {f"q{number}": -1.0 for number in range(fallen)}
        assert judge(report(worse), report(before)).passed is passed


def test_questions_judged_otherwise_than_then_are_left_out():
    before = scores(0)
    worse = dict.fromkeys(before, 0.0)
    judged = dict.fromkeys(before, "one")
    others = {name: "other" for name in before if name != "q0"}
    verdict = judge(report(worse, judged=judged | others), report(before, judged=judged))
    assert (verdict.changes[0].questions, verdict.passed) == (1, True)


def test_what_can_not_be_compared_is_refused():
    with pytest.raises(IncomparableError, match="another collection"):
        judge(report({"q": 1}), report({"q": 1}, corpus="other"))
    with pytest.raises(IncomparableError, match="no question of hybrid"):
        judge(report({"q": 1}), report({"r": 1}))
