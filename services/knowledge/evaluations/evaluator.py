"""The worker's side of a run: its searches in turns of a few seconds, then its report.

Each turn's answers are stored with it, so that a worker killed at any point costs the turn under way; the next one
goes on where the last stored turn ended, and a report is written whole or not at all.
"""

import time
from asyncio import to_thread
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from libs.contracts.evaluation import (
    SEARCHED_AS,
    STRATEGIES,
    EvaluationReport,
    EvaluationStatus,
    Item,
    Question,
    SearchStrategy,
)
from libs.contracts.identity import Subject
from libs.evaluation.reporting import DEPTH, Collection, Measured, make_report
from libs.stores.postgres import Database
from services.knowledge.access import readable
from services.knowledge.evaluations.models import EvaluationAnswerRow, EvaluationRunRow
from services.knowledge.evaluations.resolving import Resolved, Resolver
from services.knowledge.found import Wanted
from services.knowledge.models import DocumentRow
from services.knowledge.retrieval import Retriever

TURN_S = 5.0
MAX_ATTEMPTS = 5
RUN_LIFE = timedelta(days=90)
EMBEDDING_AWAY = "The embedding service didn't answer. Ask for the run again when it does."
GAVE_UP = f"The run was tried {MAX_ATTEMPTS} times and didn't get further. Ask for it again."


class Evaluator:
    """Organisations take turns; the searches of one come one after another, behind those of people."""

    def __init__(self, database: Database, retriever: Retriever, resolver: Resolver, lease: timedelta) -> None:
        self._database = database
        self._retriever = retriever
        self._resolver = resolver
        self._lease = lease

    async def turn(self) -> bool:
        """Some searches of the run that has waited longest; false when none waits or it can't go on now."""
        run = await self._claim()
        if run is None:
            return False
        questions = [one for one in map(Question.model_validate, run.questions) if one.answerable]
        waiting = await self._waiting(run, len(questions))
        answers: list[EvaluationAnswerRow] = []
        until = time.monotonic() + TURN_S
        for place, strategy in waiting:
            answer = await self._search(run, place, questions[place], strategy)
            if answer is None:
                await self._store(run, answers, error=EMBEDDING_AWAY)
                return False
            answers.append(answer)
            if time.monotonic() > until:
                break
        complete = len(answers) == len(waiting)
        if await self._store(run, answers, go_on=not complete) and complete:
            await self._conclude(run, questions)
        return True

    async def expire(self) -> None:
        """Deletes the runs whose time is over."""
        old = EvaluationRunRow.finished_at < func.now() - RUN_LIFE
        async with self._database.transaction() as session:
            await session.execute(delete(EvaluationRunRow).where(old))

    async def _claim(self) -> EvaluationRunRow | None:
        free = or_(EvaluationRunRow.lease.is_(None), EvaluationRunRow.lease_until < func.now())
        unfinished = EvaluationRunRow.status.in_((EvaluationStatus.PENDING, EvaluationStatus.RUNNING))
        query = select(EvaluationRunRow).where(unfinished, free).order_by(EvaluationRunRow.last_turn_at).limit(1)
        whole = undefer(EvaluationRunRow.questions), undefer(EvaluationRunRow.subject)
        async with self._database.transaction() as session:
            run = await session.scalar(query.options(*whole).with_for_update(skip_locked=True))
            if run is None:
                return None
            run.attempts += 1
            if run.attempts > MAX_ATTEMPTS:
                run.status, run.lease, run.error = EvaluationStatus.FAILED, None, run.error or GAVE_UP
                run.finished_at = func.now()
                await session.execute(delete(EvaluationAnswerRow).where(EvaluationAnswerRow.run_id == run.id))
                return None
            run.status, run.lease = EvaluationStatus.RUNNING, uuid4()
            run.lease_until, run.last_turn_at = func.now() + self._lease, func.now()
        return run

    async def _waiting(self, run: EvaluationRunRow, questions: int) -> list[tuple[int, SearchStrategy]]:
        """Question by question, so that all strategies find the same documents as far as possible."""
        query = select(EvaluationAnswerRow.question, EvaluationAnswerRow.strategy)
        async with self._database.transaction() as session:
            done = {
                (place, name)
                for place, name in await session.execute(query.where(EvaluationAnswerRow.run_id == run.id))
            }
        chosen: list[SearchStrategy] = [strategy for strategy in STRATEGIES if strategy in run.strategies]
        return [(place, name) for place in range(questions) for name in chosen if (place, name) not in done]

    async def _search(
        self, run: EvaluationRunRow, place: int, question: Question, name: SearchStrategy
    ) -> EvaluationAnswerRow | None:
        """None where the search couldn't be made as the strategy says."""
        strategy, rerank = SEARCHED_AS[name]
        group_by = "passage" if question.of_passages else "document"
        wanted = Wanted(question.query, strategy, DEPTH, group_by=group_by, rerank=rerank)
        started = time.perf_counter()
        found = await self._retriever.retrieve(Subject.model_validate(run.subject), wanted)
        if "embedding" in found.degraded:
            return None
        return EvaluationAnswerRow(
            run_id=run.id,
            question=place,
            strategy=name,
            document_ids=[one.document_id for one in found.passages],
            chunk_ids=[one.chunk_id for one in found.passages],
            milliseconds=(time.perf_counter() - started) * 1000,
            degraded=found.degraded,
            knowledge_version=found.knowledge_version,
        )

    async def _store(
        self,
        run: EvaluationRunRow,
        answers: list[EvaluationAnswerRow],
        *,
        go_on: bool = False,
        error: str | None = None,
    ) -> bool:
        """False where the run was deleted or another has taken it over. With `go_on` the next turn is anyone's.

        After an error the lease is left to end, so that the next attempt comes only then.
        """
        async with self._database.transaction() as session:
            row = await _held(session, run)
            if row is None:
                return False
            session.add_all(answers)
            row.searched += len(answers)
            row.attempts = 0 if answers else row.attempts
            row.error = error
            row.lease = None if go_on else row.lease
            row.lease_until = func.now() + self._lease
        return True

    async def _conclude(self, run: EvaluationRunRow, questions: list[Question]) -> None:
        subject = Subject.model_validate(run.subject)
        query = select(EvaluationAnswerRow).where(EvaluationAnswerRow.run_id == run.id)
        readable_now = select(func.count()).where(readable(subject), DocumentRow.served_version.is_not(None))
        async with self._database.transaction() as session:
            answers = list(await session.scalars(query))
            documents = await session.scalar(readable_now) or 0
        resolved = await self._resolver.resolve(subject, questions)
        collection = Collection(run.set_name, str(run.set_id), documents)
        report = await to_thread(_report, collection, questions, resolved, answers, list(run.strategies))
        async with self._database.transaction() as session:
            row = await _held(session, run)
            if row is None:
                return
            report.unanswerable = len(run.questions) - len(questions)
            row.report = report.model_dump(mode="json")
            row.status, row.lease, row.finished_at = EvaluationStatus.COMPLETED, None, func.now()
            await session.execute(delete(EvaluationAnswerRow).where(EvaluationAnswerRow.run_id == run.id))


async def _held(session: AsyncSession, run: EvaluationRunRow) -> EvaluationRunRow | None:
    held = and_(EvaluationRunRow.id == run.id, EvaluationRunRow.lease == run.lease)
    return await session.scalar(select(EvaluationRunRow).where(held).with_for_update())


def _report(
    collection: Collection,
    questions: list[Question],
    resolved: Resolved,
    answers: list[EvaluationAnswerRow],
    strategies: list[str],
) -> EvaluationReport:
    measured = {name: Measured(name) for name in STRATEGIES if name in strategies}
    found: dict[str, Item] = {}
    for answer in answers:
        question = questions[answer.question]
        one = measured[answer.strategy]
        ids = answer.chunk_ids if question.of_passages else answer.document_ids
        one.rankings[question.name] = [str(id_) for id_ in ids]
        one.milliseconds.append(answer.milliseconds)
        one.degraded.update(answer.degraded)
        for document_id, chunk_id in zip(answer.document_ids, answer.chunk_ids, strict=True):
            found[str(document_id)] = Item(document_id=document_id)
            found[str(chunk_id)] = Item(document_id=document_id, chunk_id=chunk_id)
    report = make_report(collection, resolved.questions, list(measured.values()), found.__getitem__, datetime.now(UTC))
    report.unresolved = resolved.unresolved
    report.changed_meanwhile = len({answer.knowledge_version for answer in answers}) > 1
    return report
