"""The review queue over HTTP, for owners and admins."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from libs.contracts.reviews import ReviewDecided, ReviewDecision, ReviewList
from libs.service.identity import AdminSubject
from services.chat.review.service import Reviews

router = APIRouter(prefix="/admin/reviews", tags=["reviews"])


async def reviews_of(request: Request) -> Reviews:
    reviews: Reviews = request.app.state.reviews
    return reviews


TheReviews = Annotated[Reviews, Depends(reviews_of)]


@router.get("")
async def reviews(
    admin: AdminSubject,
    waiting: TheReviews,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ReviewList:
    """What waits for a decision, the latest first. Sources that the admin may not read are blanked."""
    return await waiting.waiting(admin, limit, cursor)


@router.post("/{message_id}")
async def decide(message_id: UUID, body: ReviewDecision, admin: AdminSubject, waiting: TheReviews) -> ReviewDecided:
    """Makes an evaluation question of it, or dismisses it; it waits no more, until it is rated or asked anew."""
    return await waiting.decide(admin, message_id, body)
