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

from libs.contracts.errors import ErrorCode, FootnoteError
from services.embedding.batching import BatchQueue
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
async def running(model: Model, max_batch_tokens: int = 64, max_waiting: int = 100) -> AsyncIterator[BatchQueue]:
    queue = BatchQueue(model.embed, max_batch_tokens, max_waiting)
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
    blocker = asyncio.create_task(queue.embed([[0]], "query"))
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
        rows = await queue.embed(texts, "query")
    assert [int(row[0]) for row in rows] == list(range(len(texts)))
    assert sum(len(batch) for batch in model.batches) == len(texts)
    for batch in model.batches:
        assert len(batch) == 1 or len(batch) * max(map(len, batch)) <= max_batch_tokens


async def test_callers_share_a_batch() -> None:
    model = Model()
    async with running(model) as queue, held(model, queue):
        calls = [asyncio.ensure_future(queue.embed([[n]], "query")) for n in range(1, 9)]
        await started(*calls)
        model.free.set()
        rows = await asyncio.gather(*calls)
    assert [int(row[0][0]) for row in rows] == list(range(1, 9))
    assert len(model.batches) == 1


async def test_a_batch_holds_texts_of_similar_length() -> None:
    model = Model()
    async with running(model, max_batch_tokens=64) as queue, held(model, queue):
        call = asyncio.ensure_future(queue.embed([[1] * 4, [2] * 30, [3] * 5, [4] * 31], "query"))
        await started(call)
        model.free.set()
        await call
    assert [sorted(map(len, batch)) for batch in model.batches] == [[4, 5], [30, 31]]


async def test_queries_go_first_and_ingestion_still_gets_turns() -> None:
    model = Model()
    async with running(model, max_batch_tokens=1) as queue, held(model, queue):
        ingest = asyncio.ensure_future(queue.embed([[100 + n] for n in range(3)], "ingest"))
        await started(ingest)
        queries = asyncio.ensure_future(queue.embed([[n] for n in range(1, 13)], "query"))
        await started(queries)
        model.free.set()
        await asyncio.gather(ingest, queries)
    order = [batch[0][0] for batch in model.batches]
    assert order[:3] == [1, 2, 3]
    assert [order.index(100 + n) for n in range(3)] == [3, 8, 13]


async def test_a_full_lane_refuses_at_once_and_the_other_lane_does_not() -> None:
    model = Model()
    async with running(model, max_waiting=4) as queue, held(model, queue):
        waiting = asyncio.ensure_future(queue.embed([[1]] * 4, "ingest"))
        await started(waiting)
        with pytest.raises(FootnoteError) as refused:
            await asyncio.wait_for(queue.embed([[2]], "ingest"), 5)
        assert refused.value.code is ErrorCode.OVERLOADED
        assert refused.value.status == 429
        assert "Retry-After" in refused.value.headers
        query = asyncio.ensure_future(queue.embed([[3]], "query"))
        await started(query)
        model.free.set()
        assert int((await query)[0][0]) == 3
        await waiting


async def test_a_cancelled_caller_frees_its_places() -> None:
    model = Model()
    async with running(model, max_waiting=4) as queue, held(model, queue):
        leaving = asyncio.ensure_future(queue.embed([[1]] * 4, "query"))
        await started(leaving)
        assert queue.waiting("query") == 4
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
        assert queue.waiting("query") == 0
        staying = asyncio.ensure_future(queue.embed([[2]] * 4, "query"))
        await started(staying)
        model.free.set()
        await staying
    assert all(tokens == [2] for batch in model.batches for tokens in batch)


async def test_a_failing_batch_fails_its_callers_only() -> None:
    model = Model()
    async with running(model, max_batch_tokens=1) as queue:
        with pytest.raises(ValueError, match="negative"):
            await queue.embed([[-1], [5]], "query")
        assert int((await queue.embed([[7]], "query"))[0][0]) == 7


async def test_a_queue_that_nobody_uses_any_more_is_let_go() -> None:
    async with running(Model()) as queue:
        await queue.embed([[1]], "query")
        gone = weakref.ref(queue)
        del queue
    await asyncio.sleep(0)
    gc.collect()
    assert gone() is None


async def test_a_full_lane_says_how_long_what_waits_will_take() -> None:
    model = Model()
    async with running(model, max_waiting=4) as queue, held(model, queue):
        waiting = asyncio.ensure_future(queue.embed([[1] * 50] * 4, "query"))
        await started(waiting)
        queue._note_speed(40)  # tokens a second
        with pytest.raises(FootnoteError) as refused:
            await queue.embed([[2]], "query")
        assert refused.value.headers["Retry-After"] == "5"
        model.free.set()
        await waiting
