"""Runs over an organisation's questions: asked for here, made by the worker, shown to who asked."""

from asyncio import to_thread
from uuid import UUID, uuid4

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from libs.contracts.errors import ErrorCode, FootnoteError, invalid, not_found
from libs.contracts.evaluation import (
    Evaluation,
    EvaluationAccepted,
    EvaluationReport,
    EvaluationRequest,
    EvaluationStatus,
    EvaluationSummary,
    Item,
    Verdict,
)
from libs.contracts.identity import Subject
from libs.evaluation.gate import IncomparableError, judge
from libs.evaluation.page import render_page
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.evaluations.models import EvaluationRunRow
from services.knowledge.evaluations.sets import question_set_of

UNFINISHED = (EvaluationStatus.PENDING, EvaluationStatus.RUNNING)
RUNS_KEPT = 50


class EvaluationRuns:
    """A run is its asker's own: its figures depend on what they may read, and it names documents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def request(self, subject: Subject, set_id: UUID, request: EvaluationRequest) -> EvaluationAccepted:
        """Raises 409 while a run of the organisation isn't finished, 422 where no question has an answer."""
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            questions = await question_set_of(session, subject, set_id)
            answerable = sum(one.get("answerable", True) for one in questions.questions)
            if not answerable:
                raise invalid("set_id", "every question is one that the documents don't answer: no search is measured")
            await _require_none_unfinished(session, subject)
            kept = _own(subject).with_only_columns(EvaluationRunRow.id).order_by(EvaluationRunRow.created_at.desc())
            too_old = kept.offset(RUNS_KEPT - 1)
            await session.execute(delete(EvaluationRunRow).where(EvaluationRunRow.id.in_(too_old)))
            row = EvaluationRunRow(
                id=uuid4(),
                set_id=set_id,
                organization_id=subject.organization_id,
                user_id=subject.user_id,
                subject=subject.model_dump(mode="json"),
                set_name=questions.name,
                questions=questions.questions,
                strategies=[*request.strategies],
                status=EvaluationStatus.PENDING,
                searches=answerable * len(request.strategies),
            )
            session.add(row)
        return EvaluationAccepted(run_id=row.id, status=EvaluationStatus.PENDING)

    async def all(self, subject: Subject, set_id: UUID | None) -> list[EvaluationSummary]:
        """The newest first."""
        query = _own(subject).order_by(EvaluationRunRow.created_at.desc(), EvaluationRunRow.id)
        if set_id:
            query = query.where(EvaluationRunRow.set_id == set_id)
        async with self._database.transaction() as session:
            return [_summary(row) for row in await session.scalars(query)]

    async def show(self, subject: Subject, run_id: UUID, baseline: UUID | None) -> Evaluation:
        """With a verdict against `baseline`, another run of the subject's. Raises 404, and 422 where they don't fit."""
        async with self._database.transaction() as session:
            row = await _run_of(session, subject, run_id)
            report = _report_of(row)
            before = _report_of(await _run_of(session, subject, baseline)) if baseline else None
            if report:
                await _name_found(session, subject, report)
        gate = await _judged(report, before) if baseline and report else None
        return Evaluation(**_summary(row).model_dump(), report=report, gate=gate)

    async def page(self, subject: Subject, run_id: UUID, baseline: UUID | None) -> str:
        """The report as HTML. Raises 409 while there is none, and as `show`."""
        run = await self.show(subject, run_id, baseline)
        if run.report is None:
            raise FootnoteError(ErrorCode.CONFLICT, f"The run is {run.status}. Wait until it is completed.", 409)
        return await to_thread(render_page, run.report, run.gate)

    async def delete(self, subject: Subject, run_id: UUID) -> None:
        """A run that is under way ends with it."""
        async with self._database.transaction() as session:
            gone = delete(EvaluationRunRow).where(EvaluationRunRow.id.in_(_ids(subject, run_id)))
            if await session.scalar(gone.returning(EvaluationRunRow.id)) is None:
                raise not_found("run", run_id)


async def _require_none_unfinished(session: AsyncSession, subject: Subject) -> None:
    query = select(EvaluationRunRow.id, EvaluationRunRow.user_id).where(
        EvaluationRunRow.organization_id == subject.organization_id, EvaluationRunRow.status.in_(UNFINISHED)
    )
    unfinished = (await session.execute(query)).first()
    if unfinished is None:
        return
    run_id, user_id = unfinished
    own = user_id == subject.user_id
    raise FootnoteError(
        ErrorCode.CONFLICT,
        f"{f'Your run {str(run_id)!r}' if own else 'A run of your organisation'} isn't finished. "
        "Wait for it, then ask for the next.",
        409,
        {"run_id": str(run_id)} if own else {},
    )


async def _judged(report: EvaluationReport, before: EvaluationReport | None) -> Verdict:
    if before is None:
        raise _unfit("The baseline isn't completed.")
    try:
        return await to_thread(judge, report, before)
    except IncomparableError as error:
        raise _unfit(str(error)) from error


def _unfit(message: str) -> FootnoteError:
    details = {"fields": [{"field": "baseline", "message": message}], "param": "baseline"}
    return FootnoteError(ErrorCode.VALIDATION_ERROR, f"baseline: {message}", 422, details)


async def _name_found(session: AsyncSession, subject: Subject, report: EvaluationReport) -> None:
    """Titles as they are now, of what the subject may read now; of anything else nothing is said."""
    worst = [question for one in report.strategies for question in one.worst]
    named = {item.document_id for question in worst for item in question.found if item.document_id}
    documents = await repository.served_documents(session, subject, named)
    for question in worst:
        question.found = [
            Item(
                document_id=document.id,
                external_id=document.external_id,
                chunk_id=item.chunk_id,
                title=document.title,
            )
            if item.document_id and (document := documents.get(item.document_id))
            else Item()
            for item in question.found
        ]


async def _run_of(session: AsyncSession, subject: Subject, run_id: UUID) -> EvaluationRunRow:
    query = _own(subject).where(EvaluationRunRow.id == run_id).options(undefer(EvaluationRunRow.report))
    row = await session.scalar(query)
    if row is None:
        raise not_found("run", run_id)
    return row


def _report_of(row: EvaluationRunRow) -> EvaluationReport | None:
    return EvaluationReport.model_validate(row.report) if row.report else None


def _summary(row: EvaluationRunRow) -> EvaluationSummary:
    status = EvaluationStatus(row.status)
    return EvaluationSummary.model_validate(
        {
            "run_id": row.id,
            "status": status,
            "set_id": row.set_id,
            "set_name": row.set_name,
            "strategies": row.strategies,
            "searched": row.searched,
            "searches": row.searches,
            "error": row.error if status is EvaluationStatus.FAILED else None,
            "created_at": row.created_at,
            "finished_at": row.finished_at,
        }
    )


def _own(subject: Subject) -> Select[EvaluationRunRow]:
    return select(EvaluationRunRow).where(
        EvaluationRunRow.organization_id == subject.organization_id, EvaluationRunRow.user_id == subject.user_id
    )


def _ids(subject: Subject, run_id: UUID) -> Select[UUID]:
    return _own(subject).with_only_columns(EvaluationRunRow.id).where(EvaluationRunRow.id == run_id)
