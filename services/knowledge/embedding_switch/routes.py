"""The operator's view of the switch."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from libs.contracts.embedding_switch import FormerForgotten, SwitchStatus
from libs.service.identity import Operator
from services.knowledge.embedding_switch.former import FormerIndexes
from services.knowledge.embedding_switch.status import SwitchReports

router = APIRouter(tags=["internal"])


@dataclass(frozen=True)
class EmbeddingSwitch:
    reports: SwitchReports
    former: FormerIndexes


def _switch(request: Request) -> EmbeddingSwitch:
    return request.app.state.embedding_switch


TheSwitch = Annotated[EmbeddingSwitch, Depends(_switch)]


@router.get("/internal/embedding-switch")
async def status(_operator: Operator, switch: TheSwitch) -> SwitchStatus:
    """How far the indexes have followed the embedding model."""
    return await switch.reports.now()


@router.delete("/internal/embedding-switch/former")
async def forget(_operator: Operator, switch: TheSwitch) -> FormerForgotten:
    """Gives up the indexes that are kept for switching back."""
    return FormerForgotten(indexes=await switch.former.forget())
