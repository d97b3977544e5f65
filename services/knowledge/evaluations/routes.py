"""An organisation's own questions, and runs over them, for its owners and admins."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from libs.contracts.errors import invalid
from libs.contracts.evaluation import (
    Evaluation,
    EvaluationAccepted,
    EvaluationList,
    EvaluationRequest,
    NewQuestionSet,
    NewSetQuestion,
    QuestionSet,
    QuestionSetList,
    QuestionSetSummary,
    SaidText,
)
from libs.evaluation.folder_format import FormatError, first_finding, question_set
from libs.service.idempotency import Idempotent
from libs.service.identity import AdminSubject
from services.knowledge.evaluations.runs import EvaluationRuns
from services.knowledge.evaluations.sets import QuestionSets

router = APIRouter(prefix="/admin/evaluations")

# The page has what it needs in itself, and runs nothing.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


@dataclass(frozen=True)
class Evaluations:
    sets: QuestionSets
    runs: EvaluationRuns


async def evaluations_of(request: Request) -> Evaluations:
    evaluations: Evaluations = request.app.state.evaluations
    return evaluations


EvaluationsDependency = Annotated[Evaluations, Depends(evaluations_of)]


@router.post("/sets", status_code=201, response_model=QuestionSetSummary)
async def create_question_set(
    body: NewQuestionSet, subject: AdminSubject, evaluations: EvaluationsDependency, once: Idempotent
) -> Response:
    """Questions, each with the documents or passages that answer it."""
    return await once.answer(body, lambda: evaluations.sets.create(subject, body), status=201)


@router.post("/sets/import", status_code=201, response_model=QuestionSetSummary)
async def import_question_set(
    name: Annotated[SaidText, Form(max_length=120)],
    queries: UploadFile,
    qrels: UploadFile,
    subject: AdminSubject,
    evaluations: EvaluationsDependency,
    once: Idempotent,
) -> Response:
    """The questions of a judged collection: `queries` as JSON Lines, `qrels` as TSV with documents' external_ids."""
    try:
        body = question_set(name, await _text(queries, "queries"), await _text(qrels, "qrels"))
    except FormatError as error:
        raise invalid(error.part, str(error)) from error
    except ValidationError as error:
        raise invalid("queries", first_finding(error)[1]) from error
    return await once.answer(body, lambda: evaluations.sets.create(subject, body), status=201)


@router.post("/questions")
async def add_question(
    body: NewSetQuestion, subject: AdminSubject, evaluations: EvaluationsDependency
) -> QuestionSetSummary:
    """Puts a question into the set of that name, which is made where it is missing; one of the same id is replaced."""
    return await evaluations.sets.add(subject, body)


@router.get("/sets")
async def list_question_sets(subject: AdminSubject, evaluations: EvaluationsDependency) -> QuestionSetList:
    """The organisation's sets by name."""
    return QuestionSetList(items=await evaluations.sets.all(subject))


@router.get("/sets/{set_id}")
async def show_question_set(set_id: UUID, subject: AdminSubject, evaluations: EvaluationsDependency) -> QuestionSet:
    return await evaluations.sets.show(subject, set_id)


@router.put("/sets/{set_id}")
async def replace_question_set(
    set_id: UUID, body: NewQuestionSet, subject: AdminSubject, evaluations: EvaluationsDependency
) -> QuestionSetSummary:
    """A run that is under way goes on with the questions that it began with."""
    return await evaluations.sets.replace(subject, set_id, body)


@router.delete("/sets/{set_id}", status_code=204)
async def delete_question_set(set_id: UUID, subject: AdminSubject, evaluations: EvaluationsDependency) -> Response:
    """With all runs over it."""
    await evaluations.sets.delete(subject, set_id)
    return Response(status_code=204)


@router.post("/sets/{set_id}/runs", status_code=202, response_model=EvaluationAccepted)
async def request_run(
    set_id: UUID,
    subject: AdminSubject,
    evaluations: EvaluationsDependency,
    once: Idempotent,
    body: EvaluationRequest | None = None,
) -> Response:
    """Asks every question by each strategy, as you may read now. 409 while the organisation's last isn't finished."""
    request = body or EvaluationRequest()
    return await once.answer(request, lambda: evaluations.runs.request(subject, set_id, request), status=202)


@router.get("/runs")
async def list_runs(
    subject: AdminSubject, evaluations: EvaluationsDependency, set_id: UUID | None = None
) -> EvaluationList:
    """Your own, the newest first."""
    return EvaluationList(items=await evaluations.runs.all(subject, set_id))


@router.get("/runs/{run_id}")
async def show_run(
    run_id: UUID, subject: AdminSubject, evaluations: EvaluationsDependency, baseline: UUID | None = None
) -> Evaluation:
    """How far it is and, once completed, what it measured; `baseline` names an earlier run for the gate."""
    return await evaluations.runs.show(subject, run_id, baseline)


@router.get("/runs/{run_id}/report", response_class=HTMLResponse)
async def show_report(
    run_id: UUID, subject: AdminSubject, evaluations: EvaluationsDependency, baseline: UUID | None = None
) -> HTMLResponse:
    """The report as a page with plots. 409 until the run is completed."""
    return HTMLResponse(await evaluations.runs.page(subject, run_id, baseline), headers=PAGE_HEADERS)


@router.delete("/runs/{run_id}", status_code=204)
async def delete_run(run_id: UUID, subject: AdminSubject, evaluations: EvaluationsDependency) -> Response:
    """A run that is under way ends with it."""
    await evaluations.runs.delete(subject, run_id)
    return Response(status_code=204)


async def _text(file: UploadFile, field: str) -> str:
    try:
        return (await file.read()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid(field, "isn't UTF-8 text") from error
