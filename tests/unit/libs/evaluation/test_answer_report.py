import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from libs.evaluation.answer_gate import judge_answers
from libs.evaluation.answer_page import render_answer_page
from libs.evaluation.answer_reporting import answer_lines, answer_notes
from libs.evaluation.gate import IncomparableError
from libs.evaluation.plots import refusal_plot, risk_plot
from tests.unit.libs.evaluation.answers import judged, report

HOSTILE = '<script>alert("1")</script>&'
ANSWERS = [
    *(judged(number, answerable=True, confidence=0.9, right=True) for number in range(6)),
    *(judged(number, answerable=True, confidence=0.0) for number in range(6, 10)),
    *(judged(number, answerable=False, confidence=0.5) for number in range(10, 14)),
    *(judged(number, answerable=False, confidence=0.0) for number in range(14, 20)),
]


def test_refusals_stand_beside_the_coverage():
    found = report(ANSWERS)
    assert found.coverage == 0.5
    assert found.measures["unanswerable refused"].value == pytest.approx(0.6)
    assert found.measures["refusals that were due"].questions == 10
    lines = answer_lines(found)
    assert "Abstention: precision 60.0%, recall 60.0%, F1 0.600; coverage 50.0%." in lines
    assert lines[-1].startswith("At 60.0% of the answerable answered right, 100.0% of the unanswerable refused")


def test_what_never_gets_there_says_how_far_it_gets():
    assert answer_lines(report(ANSWERS[1:]))[-1] == (
        "At most 55.6% of the answerable are answered right, not 60%; 60.0% of the unanswerable are refused."
    )


def test_questions_that_ended_in_an_error_are_told():
    failed = replace(ANSWERS[0], outcome=None, error="QUOTA_EXCEEDED", values={}, attempt=None)
    assert answer_notes(report([*ANSWERS[1:], failed])) == ["1 questions ended in QUOTA_EXCEEDED."]


def test_the_poorest_answers_are_the_most_confident_ones():
    found = report([*ANSWERS, judged(20, answerable=True, confidence=0.7)])
    assert [(one.id, one.why) for one in found.worst][:2] == [("q20", "followed"), ("q10", "followed")]


def test_nothing_that_people_wrote_becomes_markup():
    page = render_answer_page(report([judged(0, answerable=True, confidence=0.5, text=HOSTILE)]))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("answers", [ANSWERS, ANSWERS[:1], ANSWERS[6:7], []])
def test_the_plots_are_well_formed(answers):
    curve = report(answers).curve if answers else []
    for plot in (risk_plot(curve), refusal_plot(curve, 0.6)):
        assert ET.fromstring(plot).tag == "svg"  # noqa: S314 - our own
        assert not re.search(r"\bnan\b", plot)


def test_a_report_passes_itself_and_a_drop_fails():
    before = report(ANSWERS)
    assert judge_answers(before, before).passed
    worse = report([replace(one, values=one.values | {"right": 0.0}) for one in ANSWERS])
    verdict = judge_answers(worse, before)
    assert not verdict.passed
    assert verdict.reasons[0].startswith("right -0.6000 over 10 questions")
    assert judge_answers(before, worse).passed


def test_more_of_what_is_dreaded_fails():
    before = report(ANSWERS)
    followed = report([replace(one, values=one.values | {"followed": 1.0}) for one in ANSWERS])
    changes = {one.strategy: one for one in judge_answers(followed, before).changes}
    assert changes["followed"].fallen
    assert changes["followed"].difference > 0


def test_other_questions_and_other_expectations_are_not_compared():
    before = report(ANSWERS)
    with pytest.raises(IncomparableError, match="other questions"):
        judge_answers(report(ANSWERS, asked="its own questions at noise 0.8"), before)
    with pytest.raises(IncomparableError, match="no question in common"):
        judge_answers(report([replace(one, digest="changed") for one in ANSWERS]), before)
