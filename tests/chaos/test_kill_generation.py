"""kill -9 of the generation process while it writes: a clean end for those it wrote for, and answers again after."""

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from libs.clients.base import ServiceClient, service_http
from libs.clients.generation import GenerationClient
from libs.config.settings import Settings
from libs.contracts.completions import ChatMessageParam, CompletionRequest
from libs.contracts.errors import FootnoteError
from libs.security.tokens import ServiceTokens
from libs.stores.weights import WeightsStore
from tests.generation_process import generation_process
from tests.stack import base_port, until

WRITERS = 4


@pytest.mark.chaos
async def test_a_killed_generation_ends_cleanly_and_answers_again(
    settings: Settings, models_dir: Path, full: bool
) -> None:
    if not full:
        pytest.skip("two starts of a language model; run with --full")
    WeightsStore(models_dir).fetch("smollm2")
    own = settings.model_copy(update={"base_port": base_port()})
    story = CompletionRequest(
        model="default",
        messages=[ChatMessageParam(role="user", content="Tell a very long story.")],
        max_tokens=900,
    )
    async with service_http() as http:
        tokens = ServiceTokens("chat", own.secrets_dir)
        client = GenerationClient(ServiceClient("generation", own.url("generation"), tokens, http))
        writing = asyncio.Semaphore(0)

        async def write() -> tuple[int, Exception | None]:
            pieces = 0
            try:
                async for _ in client.stream(story, timeout_s=30):
                    pieces += 1
                    if pieces == 2:
                        writing.release()
            except Exception as error:  # noqa: BLE001 - which one is what the test asks
                return pieces, error
            return pieces, None

        async with generation_process(own) as process:
            workers = psutil.Process(process.pid).children(recursive=True)
            writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
            for _ in writers:
                await asyncio.wait_for(writing.acquire(), 30)
            os.kill(process.pid, signal.SIGKILL)
            async with asyncio.timeout(5):
                ends = await asyncio.gather(*writers)
            for pieces, error in ends:
                assert pieces >= 2
                assert isinstance(error, FootnoteError)
                assert (error.status, error.headers) == (503, {"Retry-After": "1"})
            with pytest.raises(FootnoteError, match="generation service can't answer"):
                await client.models()
        # Nothing it had started goes on using the processor.
        gone, alive = await asyncio.to_thread(psutil.wait_procs, workers, 10)
        assert workers
        assert alive == []
        assert len(gone) == len(workers)
        async with generation_process(own):

            async def answered() -> bool | None:
                # The client's circuit breaker lets it through again within a second.
                short = story.model_copy(update={"max_tokens": 3})
                try:
                    return [chunk async for chunk in client.stream(short)][-1].usage is not None or None
                except FootnoteError:
                    return None

            assert await until(answered)
