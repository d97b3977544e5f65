"""The queries of answer policies and personal instructions."""

from typing import Any

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.answering import AnswerPolicy, AnswerPolicyChange
from libs.contracts.identity import Subject
from services.chat.models import AnswerPolicyRow, InstructionsRow


class PolicyRepository:
    """The queries of one transaction, for one person of one organisation."""

    def __init__(self, session: AsyncSession, subject: Subject) -> None:
        self._session = session
        self._subject = subject

    async def policy(self) -> AnswerPolicy:
        """The organisation's, or the defaults."""
        stored = await self._session.scalar(
            select(AnswerPolicyRow.policy).where(AnswerPolicyRow.organization_id == self._subject.organization_id)
        )
        return AnswerPolicy.model_validate(stored or {})

    async def policy_and_instructions(self) -> tuple[AnswerPolicy, str]:
        """Both in one query: every question asks for them."""
        policy = select(AnswerPolicyRow.policy).where(AnswerPolicyRow.organization_id == self._subject.organization_id)
        instructions = select(InstructionsRow.instructions).where(self._own())
        row = (await self._session.execute(select(policy.scalar_subquery(), instructions.scalar_subquery()))).one()
        return AnswerPolicy.model_validate(row[0] or {}), row[1] or ""

    async def change(self, change: AnswerPolicyChange) -> AnswerPolicy:
        """Only what is changed is kept, so that a default may still move; the last of two writers wins a field."""
        changed: dict[str, Any] = change.model_dump(exclude_none=True)
        insert = upsert(AnswerPolicyRow).values(
            organization_id=self._subject.organization_id, policy=changed, updated_by=self._subject.user_id
        )
        stored = await self._session.scalar(
            insert.on_conflict_do_update(
                index_elements=[AnswerPolicyRow.organization_id],
                set_={
                    "policy": AnswerPolicyRow.policy.concat(insert.excluded.policy),
                    "updated_by": self._subject.user_id,
                },
            ).returning(AnswerPolicyRow.policy)
        )
        return AnswerPolicy.model_validate(stored)

    async def instructions(self) -> str:
        """The person's own; empty where there are none."""
        return await self._session.scalar(select(InstructionsRow.instructions).where(self._own())) or ""

    async def instruct(self, instructions: str) -> None:
        if not instructions:
            await self._session.execute(delete(InstructionsRow).where(self._own()))
            return
        await self._session.execute(
            upsert(InstructionsRow)
            .values(
                organization_id=self._subject.organization_id,
                user_id=self._subject.user_id,
                instructions=instructions,
            )
            .on_conflict_do_update(
                index_elements=[InstructionsRow.organization_id, InstructionsRow.user_id],
                set_={"instructions": instructions},
            )
        )

    def _own(self) -> ColumnElement[bool]:
        return and_(
            InstructionsRow.organization_id == self._subject.organization_id,
            InstructionsRow.user_id == self._subject.user_id,
        )
