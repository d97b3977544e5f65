from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from libs.contracts.evaluation import Item
from libs.evaluation.page import label, render_page
from libs.evaluation.plots import interval_plot, spread_plot
from libs.evaluation.reporting import Collection, JudgedQuestion, Measured, make_report

HOSTILE = '<script>alert("1")</script>&'


def made(questions: int = 3):
    asked = [JudgedQuestion(f"q{number}", HOSTILE, {"a": 1, "b": 1}) for number in range(questions)]
    measured = [
        Measured(name, {one.id: ranking for one in asked}, [1.0, 2.0], {HOSTILE})
        for name, ranking in (("lexical", ["x", "a"]), ("hybrid", []))
    ]
    return make_report(Collection(HOSTILE, "f", 2), asked, measured, lambda _: Item(title=HOSTILE), datetime.now(UTC))


def test_nothing_that_people_wrote_becomes_markup():
    page = render_page(made())
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_page_says_where_the_relevant_ones_were_and_what_came_first():
    page = render_page(made(1))
    assert "1 question," in page
    assert "relevant at 2, —; found &lt;script&gt;" in page
    assert "relevant at —, —; found nothing" in page


def test_the_plots_are_well_formed_also_of_extremes():
    for report in (made(1), made(20)):
        for strategy in report.strategies:
            strategy.per_question = dict.fromkeys(strategy.per_question, 1.0)
        for plot in (interval_plot(report), spread_plot(report)):
            root = ET.fromstring(plot)  # noqa: S314 - our own
            assert root.tag == "svg"
            assert "nan" not in plot


def test_what_may_not_be_read_has_no_name():
    assert label(Item()) == "a document that isn't yours to read"
    assert label(Item(title="Badge", external_id="hr/badge.md")) == "Badge (hr/badge.md)"
    assert label(Item(title="Badge", external_id="Badge")) == "Badge"
