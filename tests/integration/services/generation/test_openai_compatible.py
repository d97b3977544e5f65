import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from libs.clients.context import RequestContext, use_context
from services.generation.engines.openai_compatible import OpenAICompatibleEngine
from services.generation.ports import (
    EngineBusyError,
    EngineUnavailableError,
    Event,
    Finished,
    GenerationRequest,
    Message,
    PromptTooLongError,
    Sampling,
    TextDelta,
    TokenLogprob,
)

# Content, and how many tokens come with it.
LOGPROB_CHUNKS = [("", 0), ("He", 1), (None, 1), ("llo", 2), ("!", 0)]
WORDS = ["The ", "sky ", "is ", "blue."]


@dataclass
class Upstream:
    """A server that speaks the protocol, remembers what it was asked, and fails as it is told to."""

    url: str = ""
    behaviour: str = "answer"
    refusal: tuple[int, Any] = (400, {})
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    open_streams: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    def chunk(self, content: str | None = None, finish_reason: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish_reason}
        return f"data: {json.dumps({'id': 'c', 'choices': [choice], **more})}\n\n"

    def usage(self) -> dict[str, Any]:
        details = {"cached": {"cached_tokens": 5, "audio_tokens": 0}, "cut": None}
        usage: dict[str, Any] = {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11}
        if self.behaviour in details:
            usage["prompt_tokens_details"] = details[self.behaviour]
        return usage

    async def stream(self) -> AsyncIterator[str]:
        self.open_streams += 1
        self.closed.clear()
        try:
            yield ": a comment\n\n"
            if self.behaviour == "logprobs":
                for chunk in logprob_chunks():
                    yield chunk
            for word in WORDS:
                yield self.chunk(word)
                if self.behaviour == "slow":
                    await self.release.wait()
                if self.behaviour == "break off":
                    return
                if self.behaviour == "give up":
                    yield 'data: {"error": {"message": "out of memory"}}\n\n'
                if self.behaviour == "babble":
                    yield "data: not json\n\n"
            yield self.chunk(finish_reason="length" if self.behaviour == "cut" else "stop")
            if self.behaviour != "no usage":
                yield f"data: {json.dumps({'choices': [], 'usage': self.usage()})}\n\n"
            yield "data: [DONE]\n\n"
        finally:
            self.open_streams -= 1
            self.closed.set()

    async def models(self) -> Response:
        if self.behaviour == "drip":
            return StreamingResponse(self.drip(), media_type="application/json")
        return JSONResponse({"data": [{"id": "other"}, {"id": "tiny", "max_model_len": 2048}]})

    async def drip(self) -> AsyncIterator[str]:
        """Of a body, a space again and again, so that no wait for the next one is long."""
        try:
            while not self.release.is_set():
                yield " "
                await asyncio.sleep(0.01)
        finally:
            self.closed.set()

    async def completions(self, request: Request) -> Response:
        self.requests.append((dict(request.headers), await request.json()))
        match self.behaviour:
            case "full":
                return JSONResponse({"error": {"message": "busy"}}, 429, headers={"Retry-After": "7"})
            case "error":
                return PlainTextResponse("secret detail " * 10_000, 500)
            case "refused":
                return JSONResponse(self.refusal[1], self.refusal[0])
            case "moved":
                return Response(status_code=307, headers={"Location": "http://127.0.0.1:9/v1/chat/completions"})
            case "not a stream":
                return JSONResponse({"choices": []})
            case "silent":
                await self.release.wait()
        return StreamingResponse(self.stream(), media_type="text/event-stream")


def logprob_chunks() -> Iterator[str]:
    for number, (content, tokens) in enumerate(LOGPROB_CHUNKS):
        entry = {"token": content or "", "bytes": None}
        tops = [{**entry, "logprob": -0.5 - at} for at in range(2)]
        entries = [{**entry, "logprob": -number, "top_logprobs": tops}] * tokens
        yield f"data: {json.dumps({'choices': [{'delta': {'content': content}, 'logprobs': {'content': entries}}]})}\n\n"


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream, app = Upstream(), FastAPI()
    app.post("/v1/chat/completions")(upstream.completions)
    app.get("/v1/models")(upstream.models)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0)
    upstream.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    yield upstream
    upstream.release.set()
    server.should_exit = True
    await serving


@pytest.fixture
async def engine(upstream: Upstream) -> AsyncIterator[OpenAICompatibleEngine]:
    engine = make_engine(upstream.url)
    yield engine
    await engine.close()


def make_engine(url: str, **options: Any) -> OpenAICompatibleEngine:
    return OpenAICompatibleEngine(
        url, model_id="tiny", api_key="upstream-key", context_tokens=4096, **{"max_in_flight": 4, **options}
    )


REQUEST = GenerationRequest(
    (Message("system", "Be brief."), Message("user", "Why is the sky blue?")),
    Sampling(max_tokens=9, temperature=0.2, top_p=0.9, stop=("END",), seed=5),
)


async def events_of(engine: OpenAICompatibleEngine) -> list[Event]:
    return [event async for event in engine.generate(REQUEST)]


async def test_an_answer_streams_with_the_upstreams_usage(engine: OpenAICompatibleEngine, upstream: Upstream):
    assert await events_of(engine) == [*map(TextDelta, WORDS), Finished("stop", 7, 4)]
    headers, body = upstream.requests[0]
    assert body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Why is the sky blue?"},
        ],
        "max_tokens": 9,
        "temperature": 0.2,
        "top_p": 0.9,
        "stop": ["END"],
        "seed": 5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert headers["authorization"] == "Bearer upstream-key"


async def test_nothing_of_the_caller_reaches_the_upstream(upstream: Upstream):
    """Neither credentials nor the trace, which every other client of the process passes on."""
    HTTPXClientInstrumentor().instrument()
    caller = SpanContext(trace_id=1, span_id=2, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    engine = make_engine(upstream.url)
    try:
        with use_span(NonRecordingSpan(caller)):
            async with httpx.AsyncClient() as client:
                await client.post(f"{upstream.url}/chat/completions", json={})
            await events_of(engine)
    finally:
        HTTPXClientInstrumentor().uninstrument()
        await engine.close()
    assert "traceparent" in upstream.requests.pop(0)[0]
    known = {"accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host"}
    assert set(upstream.requests[0][0]) == known | {"user-agent"}


async def test_length_and_missing_usage(engine: OpenAICompatibleEngine, upstream: Upstream):
    upstream.behaviour = "cut"
    assert (await events_of(engine))[-1] == Finished("length", 7, 4)
    upstream.behaviour = "no usage"
    finished = (await events_of(engine))[-1]
    assert isinstance(finished, Finished)
    assert finished.prompt_tokens >= 7
    assert finished.completion_tokens >= 4


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("error", "answered 500: secret"),
        ("moved", "answered 307"),
        ("not a stream", "text/event-stream"),
        ("break off", "in the middle"),
        ("give up", "out of memory"),
        ("babble", "isn't a chunk"),
    ],
)
async def test_failures_are_unavailability_and_keep_their_reason_to_themselves(
    engine: OpenAICompatibleEngine, upstream: Upstream, behaviour: str, reason: str
):
    upstream.behaviour = behaviour
    with pytest.raises(EngineUnavailableError) as failed:
        await events_of(engine)
    assert reason in str(failed.value)
    assert len(str(failed.value)) < 500
    assert reason not in failed.value.message
    assert failed.value.status == 503


async def test_the_upstreams_cache_is_told(engine: OpenAICompatibleEngine, upstream: Upstream):
    upstream.behaviour = "cached"
    assert (await events_of(engine))[-1] == Finished("stop", 7, 4, cached_tokens=5)


async def test_logprobs_come_with_text(engine: OpenAICompatibleEngine, upstream: Upstream):
    upstream.behaviour = "logprobs"
    request = replace(REQUEST, sampling=replace(REQUEST.sampling, logprobs=2))
    deltas = [event async for event in engine.generate(request) if isinstance(event, TextDelta)]
    assert [(delta.text, len(delta.logprobs)) for delta in deltas[:3]] == [("He", 1), ("llo", 3), ("!", 0)]
    assert deltas[0].logprobs[0] == TokenLogprob("He", -1, (("He", -0.5), ("He", -1.5)))
    sent = upstream.requests[0][1]
    assert (sent["logprobs"], sent["top_logprobs"]) == (True, 2)
    [_ async for _ in engine.generate(replace(request, sampling=replace(REQUEST.sampling, logprobs=0)))]
    assert "top_logprobs" not in upstream.requests[1][1]


async def test_only_an_upstream_that_takes_them_gets_top_k_and_repetition_penalty(upstream: Upstream):
    request = replace(REQUEST, sampling=replace(REQUEST.sampling, top_k=7, repetition_penalty=1.1))
    for takes in (False, True):
        engine = make_engine(upstream.url, takes_top_k=takes)
        [_ async for _ in engine.generate(request)]
        [_ async for _ in engine.generate(REQUEST)]
        await engine.close()
    extra = [{key: body.get(key) for key in ("top_k", "repetition_penalty")} for _, body in upstream.requests]
    nothing = {"top_k": None, "repetition_penalty": None}
    assert extra == [nothing, nothing, {"top_k": 7, "repetition_penalty": 1.1}, nothing]


@pytest.mark.parametrize(
    ("error", "prompt_tokens", "limit"),
    [
        (
            {
                "message": "This model's maximum context length is 8192 tokens. However, your messages resulted in "
                "9001 tokens. Please reduce the length of the messages.",
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            },
            9001,
            8192,
        ),
        (
            {
                "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens "
                "(4900 in the messages, 100 in the completion).",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            },
            4900,
            4096,
        ),
        (
            {
                "message": "'max_tokens' is too large: 512. This model's maximum context length is 4096 tokens and your "
                "request has 4000 input tokens (512 > 4096 - 4000).",
                "code": 400,
            },
            4000,
            4096,
        ),
        (
            {
                "message": "This model's maximum context length is 4096 tokens. However, you requested 512 output tokens "
                "and your prompt contains at least 3585 input tokens, for a total of at least 4097 tokens.",
                "param": "input_tokens",
                "code": 400,
            },
            3585,
            4096,
        ),
        ({"message": "Input is too long.", "code": "context_length_exceeded"}, None, 4096),
        ({"message": str(PromptTooLongError(70, 60)), "code": "VALIDATION_ERROR"}, 70, 60),
    ],
)
async def test_a_prompt_that_the_upstream_finds_too_long(
    engine: OpenAICompatibleEngine, upstream: Upstream, error: dict[str, Any], prompt_tokens: int | None, limit: int
):
    upstream.behaviour, upstream.refusal = "refused", (400, {"error": error})
    with pytest.raises(PromptTooLongError) as refused:
        await events_of(engine)
    assert refused.value.details.get("prompt_tokens") == prompt_tokens
    assert refused.value.details["limit"] == limit


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"error": {"message": "Unrecognized request argument: top_k", "code": None}}, "answered 400: .*top_k"),
        (400, ["not", "an", "object"], "answered 400"),
        (401, {"error": {"message": "Incorrect API key provided: sk-1234"}}, "refused our key .401"),
        (403, {"error": {"message": "Country not supported"}}, "refused our key .403"),
        (404, {"error": {"message": "The model `tiny` does not exist"}}, "no model 'tiny'"),
    ],
)
async def test_a_refusal_is_unavailability_with_its_reason_for_the_log(
    engine: OpenAICompatibleEngine, upstream: Upstream, status: int, body: Any, reason: str
):
    upstream.behaviour, upstream.refusal = "refused", (status, body)
    with pytest.raises(EngineUnavailableError, match=reason) as failed:
        await events_of(engine)
    assert "sk-1234" not in failed.value.message
    assert failed.value.headers == {"Retry-After": "30" if status > 400 else "2"}


async def test_a_busy_upstream(engine: OpenAICompatibleEngine, upstream: Upstream):
    upstream.behaviour = "full"
    with pytest.raises(EngineBusyError) as refused:
        await events_of(engine)
    assert refused.value.headers == {"Retry-After": "7"}


async def test_nobody_at_the_address():
    engine = make_engine("http://127.0.0.1:9/v1")
    await engine.start()
    with pytest.raises(EngineUnavailableError, match="ConnectError"):
        await events_of(engine)
    await engine.close()


@pytest.mark.parametrize("behaviour", ["silent", "slow"])
@pytest.mark.parametrize("options", [{"deadline_s": 0.2}, {"silence_s": 0.2}])
async def test_an_upstream_that_takes_too_long(upstream: Upstream, behaviour: str, options: dict[str, float]):
    upstream.behaviour = behaviour
    engine = make_engine(upstream.url, **options)
    with pytest.raises(EngineUnavailableError):
        await events_of(engine)
    await engine.close()


async def test_a_callers_own_deadline_bounds_the_answer_in_the_engines_place(upstream: Upstream):
    engine = make_engine(upstream.url, deadline_s=0)
    with pytest.raises(EngineUnavailableError, match="longer than 0 s"):
        await events_of(engine)
    with use_context(RequestContext(deadline=time.monotonic() + 600)):
        assert (await events_of(engine))[-1] == Finished("stop", 7, 4)
    await engine.close()


async def test_closing_the_stream_closes_the_upstreams(engine: OpenAICompatibleEngine, upstream: Upstream):
    upstream.behaviour = "slow"
    async with aclosing(engine.generate(REQUEST)) as events:
        assert await anext(events) == TextDelta(WORDS[0])
        assert upstream.open_streams == 1
    async with asyncio.timeout(30):
        await upstream.closed.wait()
    assert upstream.open_streams == 0


async def test_cancelling_the_task_closes_the_upstreams(engine: OpenAICompatibleEngine, upstream: Upstream):
    upstream.behaviour = "slow"
    seen = asyncio.Event()

    async def read() -> None:
        async for _ in engine.generate(REQUEST):
            seen.set()

    task = asyncio.create_task(read())
    await seen.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(30):
        await upstream.closed.wait()
    assert upstream.open_streams == 0


async def test_more_requests_than_allowed_are_refused_at_once(upstream: Upstream):
    upstream.behaviour = "slow"
    engine = make_engine(upstream.url, max_in_flight=1)
    async with aclosing(engine.generate(REQUEST)) as events:
        await anext(events)
        with pytest.raises(EngineBusyError):
            await events_of(engine)
    upstream.behaviour = "answer"
    assert (await events_of(engine))[-1] == Finished("stop", 7, 4)
    await engine.close()


async def test_the_upstreams_context_length_counts(engine: OpenAICompatibleEngine):
    assert engine.context_length == 4096
    await engine.start()
    assert engine.context_length == 2048


async def test_an_upstream_that_drips_is_not_waited_for(upstream: Upstream):
    upstream.behaviour = "drip"
    engine = make_engine(upstream.url, start_s=0.2)
    async with asyncio.timeout(30):
        await engine.start()
        await upstream.closed.wait()
    assert engine.context_length == 4096
    await engine.close()


async def test_token_counts_err_high(engine: OpenAICompatibleEngine):
    assert await engine.count_tokens(["", "four words of English", "你好"]) == [0, 7, 2]
