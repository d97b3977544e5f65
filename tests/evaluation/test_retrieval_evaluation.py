"""A small collection through `footnote eval retrieval`'s own path: real uploads, real searches, report and gate."""

import json
from pathlib import Path

from rich.console import Console

from libs.contracts.evaluation import STRATEGIES
from libs.evaluation.gate import judge
from libs.evaluation.reporting import JudgedQuestion
from scripts.evaluate.dataset import CorpusDocument, Dataset
from scripts.evaluate.report import RETRIEVAL, summary
from scripts.evaluate.retrieval import collection, measure
from tests.stack import Stack

SUBJECTS = {
    "leave": "Staff earn thirteen days of annual leave in their first three years of service.",
    "badge": "A lost badge is reported to the security desk within one hour.",
    "travel": "Train tickets for official trips are booked through the travel office.",
    "laptop": "Laptops are replaced every four years by the equipment team.",
    "parking": "Bicycles may be parked in the courtyard from seven in the morning.",
}
QUESTIONS = {
    "leave": "How much vacation time does a new employee get?",
    "badge": "Whom do I tell that my badge is lost?",
    "travel": "How are train tickets booked?",
    "laptop": "When do I get a new laptop?",
    "parking": "Where can I leave my bike?",
}
DATASET = Dataset(
    "small",
    "0" * 12,
    [CorpusDocument(name, name.title(), text) for name, text in SUBJECTS.items()],
    [JudgedQuestion(name, text, {name: 1}) for name, text in QUESTIONS.items()],
)


async def test_a_collection_is_ingested_measured_reported_and_gated(stack: Stack, tmp_path: Path) -> None:
    quiet = Console(quiet=True)
    async with collection(stack.settings, DATASET, quiet, fresh=True) as api:
        measured = await measure(api, DATASET, STRATEGIES, quiet)
    found = summary(DATASET, measured)
    by_name = {one.strategy: one for one in found.strategies}
    assert tuple(by_name) == STRATEGIES
    assert by_name["hybrid"].measures["nDCG@10"].value > 0.9
    assert by_name["lexical"].measures["Recall@100"].value < 1  # no word of "vacation" or "bike" is there
    assert by_name["hybrid"].ranks["badge"] == [1]

    data, page = RETRIEVAL.write(found, tmp_path)
    assert "<svg" in page.read_text()
    assert json.loads(data.read_text())["questions"] == len(QUESTIONS)
    console = Console(record=True, width=200)
    RETRIEVAL.show(found, console)
    assert "hybrid+rerank against lexical" in console.export_text()

    assert judge(found, RETRIEVAL.read(data)).passed
    worse = found.model_copy(deep=True)
    for one in worse.strategies:
        one.per_question = dict.fromkeys(one.per_question, 0.1)
    assert [change.fallen for change in judge(worse, RETRIEVAL.read(data)).changes] == [True] * len(STRATEGIES)
