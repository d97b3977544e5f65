"""Answer policies and personal instructions over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from libs.contracts.answering import AnswerPolicy, AnswerPolicyChange, PersonalInstructions
from libs.contracts.errors import invalid
from libs.service.identity import AdminSubject, CurrentSubject
from libs.stores.postgres import Database
from services.chat.policies.repository import PolicyRepository
from services.chat.safety.keeping import kept_instructions
from services.chat.safety.moderation import Moderation

router = APIRouter(tags=["answer policies"])


async def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


TheDatabase = Annotated[Database, Depends(database_of)]


@router.get("/admin/answers")
async def answer_policy(admin: AdminSubject, database: TheDatabase) -> AnswerPolicy:
    """How the organisation's questions are answered."""
    async with database.transaction() as session:
        return await PolicyRepository(session, admin).policy()


@router.patch("/admin/answers")
async def change_answer_policy(
    request: Request, body: AnswerPolicyChange, admin: AdminSubject, database: TheDatabase
) -> AnswerPolicy:
    """Changes what is named; the next question is answered by it."""
    moderation: Moderation = request.app.state.moderation
    if not moderation.configured:
        for field in ("moderate_questions", "moderate_answers"):
            if getattr(body, field):
                raise invalid(field, "needs a moderation service, and the operator has set up none")
    async with database.transaction() as session:
        return await PolicyRepository(session, admin).change(body)


@router.get("/chat/instructions")
async def instructions(subject: CurrentSubject, database: TheDatabase) -> PersonalInstructions:
    """What the caller asks of the answers to their own questions."""
    async with database.transaction() as session:
        return PersonalInstructions(instructions=await PolicyRepository(session, subject).instructions())


@router.put("/chat/instructions")
async def instruct(
    request: Request, body: PersonalInstructions, subject: CurrentSubject, database: TheDatabase
) -> PersonalInstructions:
    """Sets them as the organisation's policy for personal data lets them be kept; empty ones remove them."""
    async with database.transaction() as session:
        repository = PolicyRepository(session, subject)
        kept = kept_instructions(body.instructions, await repository.policy(), request.app.state.phone_regions)
        await repository.instruct(kept)
    return PersonalInstructions(instructions=kept)
