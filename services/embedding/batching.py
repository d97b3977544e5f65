"""Dynamic batching: texts of many callers share the model's batches; queries don't wait for ingestion."""

import asyncio
import math
import signal
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from prometheus_client import Gauge, Histogram

from libs.clients.context import Lane
from libs.contracts.errors import overloaded
from libs.telemetry.logs import get_logger
from services.embedding.refusals import DeviceFullError, DeviceLostError

log = get_logger(__name__)

# What is embedded, its length counted in tokens, and what comes of it.
Item = TypeVar("Item", bound=Sized)
Row = TypeVar("Row")

WAITING = Gauge("footnote_embedding_waiting", "Texts that wait for the model.", ["model", "lane"])
WAIT_SECONDS = Histogram(
    "footnote_embedding_wait_seconds",
    "From a text's arrival to its batch's start.",
    ["lane"],
    buckets=[0.002 * 2**n for n in range(14)],
)

# After an idle spell, the first batch waits this long for company.
GATHER_S = 0.002
# Texts within this many batches' tokens, counted from the lane's oldest, may share its next batch.
WINDOW_BATCHES = 4
# What the last batches say of the speed: each new one counts this much.
SPEED_SHARE = 0.2
LONGEST_RETRY_S = 60


@dataclass(eq=False, slots=True)
class _Job(Generic[Row]):
    """One caller's texts: its rows are filled in as their batches end."""

    rows: dict[int, Row]
    missing: int
    done: asyncio.Future[list[Row]]


@dataclass(eq=False, slots=True)
class _Text(Generic[Item, Row]):
    tokens: Item
    job: _Job[Row]
    row: int
    arrived: float


class Lanes(Generic[Item, Row]):
    """A queue of its own for queries and for ingestion: the processor is shared between them by the system.

    A query never waits for a batch of ingestion, and neither lane can starve the other.
    """

    def __init__(
        self,
        embed: Callable[[Lane, Sequence[Item]], Sequence[Row]],
        threads: Mapping[Lane, int],
        max_batch_tokens: int,
        max_waiting: int,
        model: str,
        called: str = "the embedding model",
    ) -> None:
        """`threads` embed a lane's batches at once; `called` is what a refused caller reads of the model."""
        self._queues: dict[Lane, BatchQueue[Item, Row]] = {
            lane: BatchQueue(partial(embed, lane), lane, max_batch_tokens, max_waiting, count, model, called)
            for lane, count in threads.items()
        }

    async def embed(self, texts: Sequence[Item], lane: Lane) -> list[Row]:
        """As `BatchQueue.embed`, in the lane's."""
        return await self._queues[lane].embed(texts)

    async def run(self) -> None:
        """Embeds until cancelled."""
        async with asyncio.TaskGroup() as running:
            for queue in self._queues.values():
                running.create_task(queue.run())


class BatchQueue(Generic[Item, Row]):
    """A bounded queue in front of inference threads.

    A batch holds at most `max_batch_tokens` tokens, padding included (one text always goes), and is made of texts of
    similar length around the oldest, so that little is spent on padding and none waits for ever.
    """

    def __init__(
        self,
        embed: Callable[[Sequence[Item]], Sequence[Row]],
        lane: Lane,
        max_batch_tokens: int,
        max_waiting: int,
        threads: int = 1,
        model: str = "",
        called: str = "the embedding model",
    ) -> None:
        """`embed` runs in `threads` threads at once; `model` and `lane` name it in the metrics."""
        self._embed = embed
        self._lane: Lane = lane
        self._max_batch_tokens = max_batch_tokens
        self._max_waiting = max_waiting
        self._threads = threads
        self._called = called
        self._texts: deque[_Text[Item, Row]] = deque()
        WAITING.labels(model, lane).set_function(partial(_waiting, weakref.ref(self)))
        self._arrived = asyncio.Event()
        self._waiting_tokens = 0
        self._tokens_per_s: float | None = None

    @property
    def waiting(self) -> int:
        return len(self._texts)

    async def embed(self, texts: Sequence[Item]) -> list[Row]:
        """A row per text, in order. Raises 429 at once where the queue can't take them all.

        A cancelled caller's texts leave the queue.
        """
        if not texts:
            return []
        if len(self._texts) + len(texts) > self._max_waiting:
            raise overloaded(self._called, self._retry_after_s())
        job: _Job[Row] = _Job({}, len(texts), asyncio.get_running_loop().create_future())
        now = time.monotonic()
        self._texts.extend(_Text(tokens, job, row, now) for row, tokens in enumerate(texts))
        self._waiting_tokens += sum(map(len, texts))
        self._arrived.set()
        try:
            return await job.done
        finally:
            if job.missing:
                self._waiting_tokens -= sum(len(text.tokens) for text in self._texts if text.job is job)
                self._texts = deque(text for text in self._texts if text.job is not job)

    async def run(self) -> None:
        """Embeds batch after batch until cancelled."""
        with ThreadPoolExecutor(self._threads, f"{self._lane} inference") as threads:
            async with asyncio.TaskGroup() as running:
                for _ in range(self._threads):
                    running.create_task(self._embed_batches(threads))

    async def _embed_batches(self, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if not self._texts:
                self._arrived.clear()
                await self._arrived.wait()
                await asyncio.sleep(GATHER_S)
            batch = self._next_batch()
            if not batch:
                continue
            started = loop.time()
            try:
                rows = await loop.run_in_executor(threads, in_parts, self._embed, [text.tokens for text in batch])
                _deliver(batch, rows)
            except Exception as error:  # noqa: BLE001 - the callers get it; the queue goes on
                _fail(batch, error)
                if isinstance(error, DeviceLostError):
                    log.critical("the device gave up; the process ends, to be started again", reason=error.reason)
                    signal.raise_signal(signal.SIGTERM)
            else:
                self._note_speed(sum(len(text.tokens) for text in batch) / max(loop.time() - started, 1e-6))

    def _next_batch(self) -> list[_Text[Item, Row]]:
        if not self._texts:
            return []
        window: list[_Text[Item, Row]] = []
        room = WINDOW_BATCHES * self._max_batch_tokens
        while self._texts and (not window or len(self._texts[0].tokens) <= room):
            text = self._texts.popleft()
            room -= len(text.tokens)
            window.append(text)
        batch = similar_lengths(window, self._max_batch_tokens)
        chosen = set(map(id, batch))
        self._texts.extendleft(text for text in reversed(window) if id(text) not in chosen)
        self._waiting_tokens -= sum(len(text.tokens) for text in batch)
        now = time.monotonic()
        for text in batch:
            WAIT_SECONDS.labels(self._lane).observe(now - text.arrived)
        return batch

    def _note_speed(self, tokens_per_s: float) -> None:
        """Of one thread."""
        known = self._tokens_per_s or tokens_per_s
        self._tokens_per_s = known + SPEED_SHARE * (tokens_per_s - known)

    def _retry_after_s(self) -> int:
        """Whole seconds until what waits now is done, at the speed of the last batches."""
        if self._tokens_per_s is None:
            return 1
        return min(max(1, math.ceil(self._waiting_tokens / self._tokens_per_s / self._threads)), LONGEST_RETRY_S)


def in_parts(embed: Callable[[Sequence[Item]], Sequence[Row]], batch: Sequence[Item]) -> list[Row]:
    """A row for each of the batch, by halves where the device has too little memory for all of it.

    Raises DeviceFullError where it has too little for one.
    """
    try:
        return [*embed(batch)]
    except DeviceFullError as error:
        if len(batch) == 1:
            raise
        log.warning("too little memory for a batch, which is halved", texts=len(batch), reason=error.reason)
    middle = len(batch) // 2
    return [*in_parts(embed, batch[:middle]), *in_parts(embed, batch[middle:])]


def similar_lengths(window: Sequence[_Text[Item, Row]], max_tokens: int) -> list[_Text[Item, Row]]:
    """The window's first text and its neighbours by length, nearest first, while `max_tokens` hold them all, padded."""
    by_length = sorted(window, key=lambda text: len(text.tokens))
    first = len(window[0].tokens)
    low = next(index for index, text in enumerate(by_length) if text is window[0])
    high = low + 1
    while low > 0 or high < len(by_length):
        below = first - len(by_length[low - 1].tokens) if low > 0 else math.inf
        above = len(by_length[high].tokens) - first if high < len(by_length) else math.inf
        wider = (low - 1, high) if below <= above else (low, high + 1)
        if (wider[1] - wider[0]) * len(by_length[wider[1] - 1].tokens) > max_tokens:
            break
        low, high = wider
    return by_length[low:high]


def _waiting(queue: "weakref.ref[BatchQueue[Any, Any]]") -> int:
    """For the metrics, which outlive an unloaded model and mustn't keep it."""
    there = queue()
    return there.waiting if there else 0


def _deliver(batch: Sequence[_Text[Item, Row]], rows: Sequence[Row]) -> None:
    for text, row in zip(batch, rows, strict=True):
        job = text.job
        job.rows[text.row] = row
        job.missing -= 1
        if not job.missing and not job.done.done():
            job.done.set_result([job.rows[index] for index in range(len(job.rows))])


def _fail(batch: Sequence[_Text[Item, Row]], error: Exception) -> None:
    for text in batch:
        with suppress(asyncio.InvalidStateError):
            text.job.done.set_exception(error)
