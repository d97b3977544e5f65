"""A device that is full, or gives up, as those see it whose texts were in the batch."""

import asyncio
import signal
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import torch

from libs.contracts.errors import FootnoteError
from services.embedding.adapters.torch_device import on_device
from services.embedding.batching import BatchQueue
from services.embedding.refusals import DeviceFullError, DeviceLostError
from services.embedding.tokenizer import TokenIds

Embed = Callable[[Sequence[TokenIds]], list[int]]


@asynccontextmanager
async def running(embed: Embed) -> AsyncIterator[BatchQueue[TokenIds, int]]:
    queue = BatchQueue(embed, "query", 1000, 100)
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def fitting(most: int) -> Embed:
    """Gives a text's first token back where so many tokens fit."""

    def embed(batch: Sequence[TokenIds]) -> list[int]:
        if sum(map(len, batch)) > most:
            raise DeviceFullError("CUDA out of memory")
        return [tokens[0] for tokens in batch]

    return embed


async def test_a_batch_beyond_the_devices_memory_is_halved_until_it_fits():
    async with running(fitting(3)) as queue:
        assert await queue.embed([[number] for number in range(10)]) == [*range(10)]


async def test_a_text_beyond_the_devices_memory_is_told_and_no_other_fails():
    async with running(fitting(3)) as queue:
        with pytest.raises(FootnoteError) as refused:
            await queue.embed([[7, 7, 7, 7]])
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "5")
        assert "CUDA" not in refused.value.message
        assert await queue.embed([[1, 2], [3]]) == [1, 3]


async def test_with_a_device_that_gave_up_the_process_ends_as_when_it_is_asked_to():
    def gives_up(_: object) -> list[int]:
        raise DeviceLostError("CUDA error: an illegal memory access was encountered")

    asked = asyncio.Event()
    former = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        async with running(gives_up) as queue, asyncio.timeout(30):
            with pytest.raises(DeviceLostError) as refused:
                await queue.embed([[1]])
            await asked.wait()
    finally:
        signal.signal(signal.SIGTERM, former)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "10")


def test_what_filled_the_memory_is_gone_before_less_is_tried():
    held: list[weakref.ref[torch.Tensor]] = []

    def work() -> None:
        activations = torch.zeros(8)
        held.append(weakref.ref(activations))
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with pytest.raises(DeviceFullError, match="too little memory") as full:
        on_device(torch, "cuda", work)
    assert held[0]() is None
    assert full.value.__context__ is None


def test_an_error_is_of_one_call_unless_the_device_answers_no_more(monkeypatch: pytest.MonkeyPatch):
    def work() -> None:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")

    with pytest.raises(torch.AcceleratorError):
        on_device(torch, "cpu", work)
    with pytest.raises(DeviceLostError):  # there is no GPU here, so that none answers
        on_device(torch, "cuda", work)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    with pytest.raises(torch.AcceleratorError):
        on_device(torch, "cuda", work)
