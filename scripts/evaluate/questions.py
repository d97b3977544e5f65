"""`footnote eval questions FILE`: an organisation's own questions over its own documents, asked by its worker."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from libs.contracts.evaluation import Evaluation, EvaluationReport, EvaluationStatus, NewQuestionSet
from libs.evaluation.folder_format import FormatError, first_finding, question_set
from scripts.api import Api, ApiError
from scripts.evaluate.dataset import questions_folder, read_text
from scripts.progress import bars

SETS = "/admin/evaluations/sets"
RUNS = "/admin/evaluations/runs"
POLL_S = 0.5


def read_questions(file: Path) -> NewQuestionSet:
    """A question set as the API takes it, or a folder with `queries.jsonl` and `qrels.tsv`. Raises ApiError."""
    try:
        if file.is_dir():
            folder = questions_folder(file, None)
            queries, qrels = read_text(folder / "queries.jsonl"), read_text(folder / "qrels.tsv")
            return question_set(file.resolve().name, queries, qrels)
        return NewQuestionSet.model_validate_json(read_text(file))
    except FormatError as error:
        raise ApiError(f"{file}, {error.part}: {error}") from error
    except ValidationError as error:
        raise ApiError(f"{file}: {first_finding(error)[1]}.") from error


async def evaluate(
    api: Api, questions: NewQuestionSet, strategies: Sequence[str], console: Console
) -> EvaluationReport:
    """The report of a run over the set of this name, which takes these questions. Raises ApiError."""
    set_id = await put_set(api, questions)
    accepted = await api.call("POST", f"{SETS}/{set_id}/runs", json={"strategies": list(strategies)})
    with bars(console) as shown:
        answerable = sum(one.answerable for one in questions.questions)
        task = shown.add("searches", answerable * len(strategies))
        while True:
            run = Evaluation.model_validate(await api.call("GET", f"{RUNS}/{accepted['run_id']}"))
            shown.show(task, run.searched)
            if run.status is EvaluationStatus.FAILED:
                raise ApiError(f"The run failed: {run.error}")
            if run.report:
                return run.report
            await asyncio.sleep(POLL_S)


async def put_set(api: Api, questions: NewQuestionSet) -> str:
    """The id of the set of that name, which has these questions now, made where there was none. Raises ApiError."""
    body: dict[str, Any] = questions.model_dump(mode="json")
    sets = (await api.call("GET", SETS))["items"]
    known = next((one["set_id"] for one in sets if one["name"] == questions.name), None)
    if known:
        await api.call("PUT", f"{SETS}/{known}", json=body)
        return known
    return (await api.call("POST", SETS, json=body))["set_id"]
