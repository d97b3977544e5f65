import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.contracts.errors import ErrorCode, FootnoteError
from services.chat.preparation import Preparation
from services.chat.quota import Granted


class Room:
    """What is held, as billing would know it."""

    def __init__(self) -> None:
        self.held: set[UUID] = set()

    async def reserve(self, reservation_id: UUID) -> Granted:
        await asyncio.sleep(0.01)
        self.held.add(reservation_id)
        return Granted(500, "free")

    async def give_back(self, _granted: Granted, reservation_id: UUID) -> None:
        self.held.discard(reservation_id)


async def never() -> None:
    await asyncio.Event().wait()


def prepared(room: Room) -> Preparation:
    reservation_id = uuid4()
    granted = asyncio.create_task(room.reserve(reservation_id))
    return Preparation(reservation_id, granted, asyncio.create_task(never()))


async def test_the_end_comes_after_the_reservation_so_that_its_release_does() -> None:
    room = Room()
    preparation = prepared(room)
    await preparation.ended()
    assert room.held == {preparation.reservation_id}
    assert preparation.standing.cancelled()


async def test_what_is_withdrawn_holds_no_room() -> None:
    room: Any = Room()
    await prepared(room).withdraw(room)
    assert room.held == set()


async def test_a_refusal_is_raised_where_the_answer_is_made_and_withdrawn_quietly() -> None:
    async def refuse() -> Granted:
        raise FootnoteError(ErrorCode.QUOTA_EXCEEDED, "No room.", 429)

    room: Any = Room()
    preparation = Preparation(uuid4(), asyncio.create_task(refuse()), asyncio.create_task(never()))
    with pytest.raises(FootnoteError):
        await preparation.ready()
    await preparation.withdraw(room)


async def test_to_stop_the_answer_stops_its_preparation() -> None:
    room = Room()
    preparation = prepared(room)
    waiting = asyncio.create_task(preparation.ready())
    await asyncio.sleep(0)
    waiting.cancel()
    await preparation.ended()
    assert (room.held, preparation.granted.cancelled()) == (set(), True)
