"""The operator's view of the switch."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from libs.contracts.embedding_switch import FormerForgotten, SwitchStatus
from libs.service.identity import Operator
from services.knowledge.embedding_switch.former import FormerIndexes
from services.knowledge.embedding_switch.status import SwitchReports

router = APIRouter(prefix="/internal/embedding-switch", include_in_schema=False)


@dataclass(frozen=True)
class EmbeddingSwitch:
    reports: SwitchReports
    former: FormerIndexes


async def embedding_switch_of(request: Request) -> EmbeddingSwitch:
    switch: EmbeddingSwitch = request.app.state.embedding_switch
    return switch


TheSwitch = Annotated[EmbeddingSwitch, Depends(embedding_switch_of)]


@router.get("")
async def status(_operator: Operator, switch: TheSwitch) -> SwitchStatus:
    """How far the indexes have followed the embedding model."""
    return await switch.reports.now()


@router.delete("/former")
async def forget(_operator: Operator, switch: TheSwitch) -> FormerForgotten:
    """Gives up the indexes that are kept for switching back."""
    return FormerForgotten(indexes=await switch.former.forget())
