import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from libs.clients.context import Lane
from libs.contracts.errors import ErrorCode, FootnoteError
from services.embedding.batching import BatchQueue, Lanes
from services.embedding.tokenizer import TokenIds


class Model:
    """Gives a text's first token back as its vector; can be held, to let a queue fill up."""

    def __init__(self) -> None:
        self.batches: list[list[TokenIds]] = []
        self.free = threading.Event()
        self.free.set()
        self.busy = threading.Event()

    def embed(self, batch: Sequence[TokenIds]) -> NDArray[np.float32]:
        self.batches.append(list(batch))
        self.busy.set()
        self.free.wait(10)
        if any(tokens[0] < 0 for tokens in batch):
            raise ValueError("a negative token")
        return np.array([[tokens[0]] for tokens in batch], np.float32)


@asynccontextmanager
async def running(
    model: Model, max_batch_tokens: int = 64, max_waiting: int = 100, threads: int = 1
) -> AsyncIterator[BatchQueue]:
    queue = BatchQueue(model.embed, "query", max_batch_tokens, max_waiting, threads)
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        model.free.set()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def held(model: Model, queue: BatchQueue) -> AsyncIterator[None]:
    """The inference thread is in a batch while the block runs."""
    model.free.clear()
    model.busy.clear()
    blocker = asyncio.create_task(queue.embed([[0]]))
    await asyncio.to_thread(model.busy.wait, 10)
    model.batches.clear()
    try:
        yield
    finally:
        model.free.set()
        await blocker


async def started(*tasks: "asyncio.Task[object]") -> None:
    """Lets tasks run up to their first wait."""
    for _ in tasks:
        await asyncio.sleep(0)


@given(st.lists(st.integers(1, 80), min_size=1, max_size=60), st.integers(1, 100))
async def test_every_text_gets_its_own_vector_within_the_batch_limit(lengths: list[int], max_batch_tokens: int) -> None:
    model = Model()
    texts = [[index] * length for index, length in enumerate(lengths)]
    async with running(model, max_batch_tokens) as queue:
        rows = await queue.embed(texts)
    assert [int(row[0]) for row in rows] == list(range(len(texts)))
    assert sum(len(batch) for batch in model.batches) == len(texts)
    for batch in model.batches:
        assert len(batch) == 1 or len(batch) * max(map(len, batch)) <= max_batch_tokens


async def test_callers_share_a_batch() -> None:
    model = Model()
    async with running(model) as queue, held(model, queue):
        calls = [asyncio.ensure_future(queue.embed([[n]])) for n in range(1, 9)]
        await started(*calls)
        model.free.set()
        rows = await asyncio.gather(*calls)
    assert [int(row[0][0]) for row in rows] == list(range(1, 9))
    assert len(model.batches) == 1


async def test_a_batch_holds_texts_of_similar_length() -> None:
    model = Model()
    async with running(model, max_batch_tokens=64) as queue, held(model, queue):
        call = asyncio.ensure_future(queue.embed([[1] * 4, [2] * 30, [3] * 5, [4] * 31]))
        await started(call)
        model.free.set()
        await call
    assert [sorted(map(len, batch)) for batch in model.batches] == [[4, 5], [30, 31]]


async def test_as_many_batches_run_at_once_as_there_are_threads() -> None:
    both = threading.Barrier(2)

    def embed(batch: Sequence[TokenIds]) -> list[int]:
        both.wait(10)  # raises where it stays alone
        return [tokens[0] for tokens in batch]

    queue: BatchQueue[TokenIds, int] = BatchQueue(embed, "ingest", 1, 100, threads=2)
    running = asyncio.create_task(queue.run())
    assert await asyncio.wait_for(queue.embed([[number] for number in range(4)]), 20) == [0, 1, 2, 3]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_full_queue_refuses_at_once() -> None:
    model = Model()
    async with running(model, max_waiting=4) as queue, held(model, queue):
        waiting = asyncio.ensure_future(queue.embed([[1]] * 4))
        await started(waiting)
        with pytest.raises(FootnoteError) as refused:
            await asyncio.wait_for(queue.embed([[2]]), 5)
        assert refused.value.code is ErrorCode.OVERLOADED
        assert refused.value.status == 429
        assert "Retry-After" in refused.value.headers
        model.free.set()
        await waiting


async def test_a_query_waits_neither_for_a_batch_of_ingestion_nor_for_its_full_queue() -> None:
    ingesting, free = threading.Event(), threading.Event()

    def embed(lane: Lane, batch: Sequence[TokenIds]) -> list[int]:
        if lane == "ingest":
            ingesting.set()
            free.wait(10)
        return [tokens[0] for tokens in batch]

    lanes: Lanes[TokenIds, int] = Lanes(embed, {"query": 1, "ingest": 1}, 64, 4, "model")
    running = asyncio.create_task(lanes.run())
    first = asyncio.create_task(lanes.embed([[1]], "ingest"))
    await asyncio.to_thread(ingesting.wait, 10)
    waiting = asyncio.create_task(lanes.embed([[2]] * 4, "ingest"))
    await started(waiting)
    with pytest.raises(FootnoteError):
        await lanes.embed([[3]], "ingest")
    assert await asyncio.wait_for(lanes.embed([[4]], "query"), 5) == [4]
    free.set()
    assert (await first, await waiting) == ([1], [2] * 4)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_cancelled_caller_frees_its_places() -> None:
    model = Model()
    async with running(model, max_waiting=4) as queue, held(model, queue):
        leaving = asyncio.ensure_future(queue.embed([[1]] * 4))
        await started(leaving)
        assert queue.waiting == 4
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
        assert queue.waiting == 0
        staying = asyncio.ensure_future(queue.embed([[2]] * 4))
        await started(staying)
        model.free.set()
        await staying
    assert all(tokens == [2] for batch in model.batches for tokens in batch)


async def test_a_failing_batch_fails_its_callers_only() -> None:
    model = Model()
    async with running(model, max_batch_tokens=1) as queue:
        with pytest.raises(ValueError, match="negative"):
            await queue.embed([[-1], [5]])
        assert int((await queue.embed([[7]]))[0][0]) == 7


async def test_a_queue_that_nobody_uses_any_more_is_let_go() -> None:
    async with running(Model()) as queue:
        await queue.embed([[1]])
        gone = weakref.ref(queue)
        del queue
    await asyncio.sleep(0)
    gc.collect()
    assert gone() is None


async def test_a_full_lane_says_how_long_what_waits_will_take() -> None:
    model = Model()
    async with running(model, max_waiting=4) as queue, held(model, queue):
        waiting = asyncio.ensure_future(queue.embed([[1] * 50] * 4))
        await started(waiting)
        queue._note_speed(40)  # tokens a second
        with pytest.raises(FootnoteError) as refused:
            await queue.embed([[2]])
        assert refused.value.headers["Retry-After"] == "5"
        model.free.set()
        await waiting
