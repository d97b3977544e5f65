"""An organisation's judged questions."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from libs.contracts.errors import ErrorCode, FootnoteError, invalid, not_found
from libs.contracts.evaluation import (
    JUDGEMENTS_IN_A_SET_MAX,
    QUESTIONS_MAX,
    SETS_MAX,
    NewQuestionSet,
    NewSetQuestion,
    Question,
    QuestionSet,
    QuestionSetSummary,
)
from libs.contracts.identity import Subject
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.evaluations.models import QuestionSetRow


class QuestionSets:
    """For an organisation's owners and admins: its sets are the organisation's, whoever made them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, subject: Subject, new: NewQuestionSet) -> QuestionSetSummary:
        """Raises 422 naming the question that is wrong, 409 for too many sets."""
        require_distinct(new.questions)
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            return await _create(session, subject, new)

    async def add(self, subject: Subject, added: NewSetQuestion) -> QuestionSetSummary:
        """Into the oldest set of that name, made where there is none; in place of a question with the same id.

        Raises 409 for too many sets, 422 for too many questions.
        """
        question = added.question
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            named = _own(subject).where(QuestionSetRow.name == added.set_name)
            row = await session.scalar(
                named.order_by(QuestionSetRow.created_at, QuestionSetRow.id)
                .limit(1)
                .options(undefer(QuestionSetRow.questions))
                .with_for_update()
            )
            if row is None:
                return await _create(session, subject, NewQuestionSet(name=added.set_name, questions=[question]))
            known = [Question.model_validate(one) for one in row.questions]
            questions = [one for one in known if one.name != question.name] + [question]
            if len(questions) > QUESTIONS_MAX:
                raise invalid("set_name", f"the set has {QUESTIONS_MAX:,} questions already; name another")
            require_distinct(questions)
            _fill(row, NewQuestionSet(name=row.name, questions=questions))
            await session.flush()
            await session.refresh(row, ["updated_at"])
            return _summary(row)

    async def all(self, subject: Subject) -> list[QuestionSetSummary]:
        """By name."""
        async with self._database.transaction() as session:
            rows = await session.scalars(_own(subject).order_by(QuestionSetRow.name, QuestionSetRow.id))
            return [_summary(row) for row in rows]

    async def show(self, subject: Subject, set_id: UUID) -> QuestionSet:
        async with self._database.transaction() as session:
            row = await question_set_of(session, subject, set_id)
        return QuestionSet(
            set_id=row.id,
            name=row.name,
            questions=[Question.model_validate(question) for question in row.questions],
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    async def replace(self, subject: Subject, set_id: UUID, new: NewQuestionSet) -> QuestionSetSummary:
        """Runs that are under way go on with the questions that they began with."""
        require_distinct(new.questions)
        async with self._database.transaction() as session:
            row = await question_set_of(session, subject, set_id)
            _fill(row, new)
            await session.flush()
            await session.refresh(row, ["updated_at"])
        return _summary(row)

    async def delete(self, subject: Subject, set_id: UUID) -> None:
        """With its runs, whoever asked for them."""
        async with self._database.transaction() as session:
            await question_set_of(session, subject, set_id)
            await session.execute(delete(QuestionSetRow).where(QuestionSetRow.id == set_id))


async def _create(session: AsyncSession, subject: Subject, new: NewQuestionSet) -> QuestionSetSummary:
    """With the organisation's lock held."""
    count = select(func.count()).where(QuestionSetRow.organization_id == subject.organization_id)
    if (await session.scalar(count) or 0) >= SETS_MAX:
        message = f"Your organisation has {SETS_MAX} question sets. Delete one first."
        raise FootnoteError(ErrorCode.CONFLICT, message, 409)
    row = QuestionSetRow(id=uuid4(), organization_id=subject.organization_id)
    _fill(row, new)
    session.add(row)
    await session.flush()
    await session.refresh(row, ["created_at", "updated_at"])
    return _summary(row)


async def question_set_of(session: AsyncSession, subject: Subject, set_id: UUID) -> QuestionSetRow:
    """With its questions. 404 for one that isn't the subject's organisation's."""
    query = _own(subject).where(QuestionSetRow.id == set_id).options(undefer(QuestionSetRow.questions))
    row = await session.scalar(query.with_for_update())
    if row is None:
        raise not_found("question set", set_id)
    return row


def require_distinct(questions: Sequence[Question]) -> None:
    """422 for an id that two questions have, and for more judgements than a set may hold."""
    places: dict[str, int] = {}
    judgements = 0
    for place, question in enumerate(questions):
        earlier = places.setdefault(question.name, place)
        if earlier != place:
            raise invalid(f"questions.{place}.id", f"{question.name!r} is also the id of questions.{earlier}")
        judgements += len(question.relevant)
        if judgements > JUDGEMENTS_IN_A_SET_MAX:
            raise invalid(f"questions.{place}.relevant", f"a set has at most {JUDGEMENTS_IN_A_SET_MAX:,} judgements")


def _fill(row: QuestionSetRow, new: NewQuestionSet) -> None:
    row.name = new.name
    row.questions = [question.model_dump(mode="json", exclude_none=True) for question in new.questions]
    row.question_count = len(new.questions)
    row.judgement_count = sum(len(question.relevant) for question in new.questions)


def _summary(row: QuestionSetRow) -> QuestionSetSummary:
    return QuestionSetSummary(
        set_id=row.id,
        name=row.name,
        questions=row.question_count,
        judgements=row.judgement_count,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _own(subject: Subject) -> Select[QuestionSetRow]:
    return select(QuestionSetRow).where(QuestionSetRow.organization_id == subject.organization_id)
