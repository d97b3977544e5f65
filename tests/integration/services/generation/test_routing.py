"""Which model answers, over real HTTP: a route's next model in the place of one that fails, and what is said of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.integration.services.generation.conftest import Serve
from tests.integration.services.generation.upstreams import UPSTREAM_KEY, WORDS, Upstreams

ASK = {"messages": [{"role": "user", "content": "Why is the sky blue?"}], "max_tokens": 20}
SKY = [{"id": 1, "title": "Colours", "text": "The sky is blue because air scatters blue light most."}]
KINDS = ("ok", "hang", "ping", "busy", "error", "garbage", "cut", "break", "pause", "refuse", "roles")


def upstream(upstreams: Upstreams, **options: Any) -> dict[str, Any]:
    return {"engine": "upstream", "url": upstreams.url, "api_key": UPSTREAM_KEY, **options}


def routed(name: str, *models: str, **conditions: Any) -> dict[str, Any]:
    return {"name": name, "requested": [name], "models": list(models), **conditions}


@pytest.fixture(scope="module")
async def service(serve: Serve, upstreams: Upstreams) -> AsyncIterator[httpx.AsyncClient]:
    models = {kind: upstream(upstreams) for kind in KINDS} | {
        "small": upstream(upstreams, upstream_model="small-ok", context_tokens=512),
        "reasons": upstream(upstreams),
        "org/model": upstream(upstreams),
        "taking": upstream(upstreams, upstream_model="ok-taking", takes_top_k=True),
        "large": upstream(upstreams, upstream_model="ok-large", context_tokens=100_000),
        "paid": upstream(upstreams, upstream_model="ok-paid", plans=["pro", "enterprise"]),
        "dear": upstream(upstreams, upstream_model="ok-dear", input_cost=10, output_cost=100),
        "quick": upstream(upstreams, upstream_model="ok-quick", latency="priority"),
        "cheap": upstream(upstreams, upstream_model="ok-cheap", latency="flex"),
        "error-breaker": upstream(upstreams),
        "error-shown": upstream(upstreams),
        "error-refused": upstream(upstreams, upstream_model="refuse-breaker"),
        "nobody": {"engine": "upstream", "url": "http://127.0.0.1:9/v1"},
    }
    routes = [
        *(routed(f"{kind}-then-ok", kind, "ok") for kind in KINDS if kind != "ok"),
        routed("nobody-then-ok", "nobody", "ok"),
        routed("all-broken", "error", "nobody"),
        routed("all-busy", "error", "busy"),
        routed("breaker", "error-breaker", "ok"),
        routed("shown", "error-shown", "ok"),
        routed("refusing", "error-refused", "ok"),
        routed("by-size", "large", min_prompt_tokens=100),
        routed("growing", "small", "large"),
        routed("paid-first", "paid", "ok"),
        routed("frugal", "dear", "ok", max_cost=0.001),
        routed("dear-alone", "dear", max_cost=0.001),
        routed("tiers", "ok", "cheap", "quick", "extractive"),
        {**routed("pro-only", "large", plans=["pro"]), "requested": ["by-plan"]},
        routed("pro-alone", "large", plans=["pro"]),
        {**routed("everybody", "small"), "requested": ["by-plan", "by-size"]},
        {"name": "short", "models": ["ok"], "max_tokens": 7},
        routed("then-extractive", "error", "extractive"),
    ]
    async with serve(models=models, routes=routes) as client:
        yield client


async def ask(
    service: httpx.AsyncClient, model: str, plan: str | None = None, deadline_ms: int = 20_000, **fields: Any
) -> httpx.Response:
    headers = {"X-Deadline-Ms": str(deadline_ms)} | ({"X-Plan": plan} if plan else {})
    return await service.post("/v1/chat/completions", json={"model": model, **ASK, **fields}, headers=headers)


def served(answer: httpx.Response) -> tuple[str, list[tuple[str, str]]]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["model"] == body["footnote"]["served_by"]
    return body["model"], [(one["model"], one["reason"]) for one in body["footnote"]["skipped"]]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("error", "unavailable"),
        ("busy", "busy"),
        ("garbage", "unavailable"),
        ("cut", "unavailable"),
        ("nobody", "unavailable"),
        ("refuse", "unavailable"),
    ],
)
async def test_the_next_model_answers_in_the_place_of_one_that_cant(service: httpx.AsyncClient, kind: str, reason: str):
    answer = await ask(service, f"{kind}-then-ok")
    assert served(answer) == ("ok", [(kind, reason)])
    assert answer.json()["choices"][0]["message"]["content"] == "".join(WORDS)
    assert kind in answer.json()["footnote"]["why"]


@pytest.mark.parametrize("kind", ["hang", "ping"])
async def test_a_hanging_model_leaves_the_next_time_within_the_deadline(service: httpx.AsyncClient, kind: str):
    # Past the deadline it would be 504; how long a busy machine takes to pass it on says nothing.
    assert served(await ask(service, f"{kind}-then-ok", deadline_ms=4000)) == ("ok", [(kind, "too_slow")])


@pytest.mark.parametrize("kind", ["hang", "ping"])
async def test_a_dead_upstream_alone_is_503_within_the_deadline(service: httpx.AsyncClient, kind: str):
    # A tenth of it is left for the answer to go out; past the deadline it would be 504.
    answer = await ask(service, kind, deadline_ms=3000)
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "service_unavailable_error")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_what_is_said_when_nobody_can_answer(service: httpx.AsyncClient):
    broken = await ask(service, "all-broken")
    assert (broken.status_code, broken.json()["error"]["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert "secret detail" not in broken.text
    busy = await ask(service, "all-busy")
    assert (busy.status_code, busy.headers["Retry-After"]) == (429, "7")
    assert busy.json()["error"]["type"] == "rate_limit_error"


async def test_nothing_is_replaced_once_words_went_out(service: httpx.AsyncClient, upstreams: Upstreams):
    before = upstreams.count("ok")
    streamed = await ask(service, "break-then-ok", stream=True)
    assert streamed.status_code == 200
    *pieces, last = [line.removeprefix("data: ") for line in streamed.text.split("\n\n") if line]
    said = "".join(json.loads(piece)["choices"][0]["delta"].get("content", "") for piece in pieces)
    assert said == "The sky "
    assert json.loads(last)["error"]["code"] == "UPSTREAM_UNAVAILABLE"
    whole = await ask(service, "break-then-ok")
    assert whole.status_code == 503
    assert upstreams.count("ok") == before


async def test_a_deadline_ends_a_stream_that_stalls(service: httpx.AsyncClient, upstreams: Upstreams):
    upstreams.left.clear()
    async with asyncio.timeout(30):
        # Of it the first word has less than half.
        stalled = await ask(service, "pause-then-ok", deadline_ms=2500, stream=True)
        await upstreams.left.wait()
    assert '"code":"DEADLINE_EXCEEDED"' in stalled.text


async def test_the_breaker_spares_a_failing_upstream_and_its_callers(service: httpx.AsyncClient, upstreams: Upstreams):
    for _ in range(7):
        await ask(service, "breaker")
    assert upstreams.count("error-breaker") == 5
    assert served(await ask(service, "breaker")) == ("ok", [("error-breaker", "circuit_open")])
    alone = await ask(service, "error-breaker")
    assert alone.status_code == 503
    assert 1 <= int(alone.headers["Retry-After"]) <= 10


async def test_requests_that_an_upstream_refuses_open_no_breaker(service: httpx.AsyncClient, upstreams: Upstreams):
    for _ in range(7):
        await ask(service, "refusing")
    assert upstreams.count("refuse-breaker") == 7
    assert (await ask(service, "error-refused")).status_code == 400


async def test_a_prompt_too_long_for_a_model_goes_to_a_larger_one(service: httpx.AsyncClient):
    long = [{"role": "user", "content": "word " * 2000}]
    assert served(await ask(service, "growing", messages=long)) == ("large", [("small", "prompt_too_long")])
    refused = await ask(service, "small", messages=long)
    error = refused.json()["error"]
    assert (refused.status_code, error["param"]) == (400, "messages")
    assert "512 tokens" in error["message"]
    assert "resulted in 2000 tokens" in error["message"]


async def test_an_answer_longer_than_the_room_left_is_cut_to_it(service: httpx.AsyncClient, upstreams: Upstreams):
    """510 words of the small one's 512, each a token."""
    asked = {"messages": [{"role": "user", "content": "word " * 510}], "max_tokens": 20}
    before = upstreams.count("small-ok")
    answer = await service.post("/v1/chat/completions", json={"model": "small", **asked})
    assert answer.status_code == 200, answer.text
    assert [body["max_tokens"] for _, body in upstreams.asked["small-ok"][before:]] == [20, 2]
    asked["messages"][0]["content"] += "word word"
    refused = await service.post("/v1/chat/completions", json={"model": "small", **asked})
    assert "resulted in 512 tokens" in refused.json()["error"]["message"]


async def test_what_a_reasoning_model_does_not_take_is_left_out_from_then_on(
    service: httpx.AsyncClient, upstreams: Upstreams
):
    limit = {"max_tokens": None, "max_completion_tokens": 9}
    for sent in (5, 1):
        before = upstreams.count("reasons")
        answer = await service.post("/v1/chat/completions", json={"model": "reasons", **ASK, **limit, "stop": "blue"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["choices"][0]["message"]["content"] == "The sky is "
        assert upstreams.count("reasons") - before == sent
    assert set(upstreams.asked["reasons"][-1][1]) == {
        "model",
        "messages",
        "max_completion_tokens",
        "stream",
        "stream_options",
    }
    assert upstreams.asked["reasons"][-1][1]["max_completion_tokens"] == 9


async def test_an_upstream_gets_top_k_where_its_settings_say_that_it_takes_it(
    service: httpx.AsyncClient, upstreams: Upstreams
):
    fields = {"top_k": 7, "repetition_penalty": 1.2}
    for model in ("taking", "ok"):
        answer = await service.post("/v1/chat/completions", json={"model": model, **ASK, **fields})
        assert answer.status_code == 200, answer.text
    taking, plain = (upstreams.asked[model][-1][1] for model in ("ok-taking", "ok"))
    assert {name: taking[name] for name in fields} == fields
    assert not fields.keys() & plain.keys()


async def test_a_prompt_that_nobody_counted_is_told_as_about_so_long(service: httpx.AsyncClient, upstreams: Upstreams):
    long = {"model": "small", "messages": [{"role": "user", "content": "word " * 10_000}]}
    before = upstreams.count("small-ok")
    refused = await service.post("/v1/chat/completions", json=long)
    assert refused.status_code == 400
    assert "resulted in about 12508 tokens" in refused.json()["error"]["message"]
    assert upstreams.count("small-ok") == before


async def test_the_prompts_length_chooses_the_route(service: httpx.AsyncClient):
    assert served(await ask(service, "by-size", messages=[{"role": "user", "content": "word " * 100}]))[0] == "large"
    assert served(await ask(service, "by-size"))[0] == "small"


async def test_plans(service: httpx.AsyncClient):
    assert served(await ask(service, "paid-first", plan="pro")) == ("paid", [])
    assert served(await ask(service, "paid-first", plan="free")) == ("ok", [("paid", "not_entitled")])
    assert served(await ask(service, "by-plan", plan="pro"))[0] == "large"
    assert served(await ask(service, "by-plan", plan="free"))[0] == "small"
    assert served(await ask(service, "paid", plan="enterprise"))[0] == "paid"
    for plan in ("free", None):
        refused = await ask(service, "paid", plan=plan)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "MODEL_NOT_FOUND")
        assert "paid," not in refused.text
    assert served(await ask(service, "pro-alone", plan="pro"))[0] == "large"
    assert "pro-alone" not in (await ask(service, "paid", plan="free")).json()["error"]["message"]
    listed = (await service.get("/v1/models", headers={"X-Plan": "free"})).json()["data"]
    assert not {"paid", "pro-alone"} & {one["id"] for one in listed}
    assert (await service.get("/v1/models/paid", headers={"X-Plan": "free"})).status_code == 404
    for path in ("org/model", "org%2Fmodel"):
        assert (await service.get(f"/v1/models/{path}")).json()["id"] == "org/model"


async def test_cost(service: httpx.AsyncClient):
    assert served(await ask(service, "frugal", max_tokens=5)) == ("dear", [])
    assert served(await ask(service, "frugal", max_tokens=20)) == ("ok", [("dear", "too_expensive")])
    refused = await ask(service, "dear-alone", max_tokens=20)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "max_tokens")


async def test_the_latency_asked_for_comes_first(service: httpx.AsyncClient):
    assert served(await ask(service, "tiers"))[0] == "ok"
    for tier, model in (("priority", "quick"), ("fast", "quick"), ("default", "ok"), ("flex", "cheap")):
        answer = await ask(service, "tiers", service_tier=tier)
        assert served(answer)[0] == model
    assert answer.json()["service_tier"] == "flex"


async def test_a_route_bounds_the_answer(service: httpx.AsyncClient, upstreams: Upstreams):
    for model in ("default", "footnote"):
        await ask(service, model, max_tokens=500)
        assert upstreams.asked["ok"][-1][1]["max_tokens"] == 7


async def test_limits_and_nothing_of_the_caller_reach_an_upstream(service: httpx.AsyncClient, upstreams: Upstreams):
    await ask(service, "ok", plan="pro", temperature=2, top_p=0, top_k=10**6, stop=["END"], user="ada@example.com")
    headers, body = upstreams.asked["ok"][-1]
    assert (body["temperature"], body["top_p"]) == (1, 0.1)
    assert body["stop"][0] == "END"
    assert len(body["stop"]) == 4
    assert headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert not {name for name in headers if name.startswith("x-")}
    assert "ada@example.com" not in json.dumps(body)


async def test_an_answer_ends_where_the_model_goes_on_as_somebody_else(service: httpx.AsyncClient):
    """Also where the upstream wasn't asked to, because it takes only four stop strings."""
    answer = await ask(service, "roles", stop=["a1", "b2", "c3", "d4"])
    assert answer.json()["choices"][0]["message"]["content"] == "\nHello"
    assert answer.json()["choices"][0]["finish_reason"] == "stop"
    assert answer.json()["usage"]["completion_tokens"] == 2


async def test_the_extractive_composer_is_the_floor_where_there_are_documents(service: httpx.AsyncClient):
    model, skipped = served(await ask(service, "then-extractive", documents=SKY, max_tokens=100))
    assert (model, skipped) == ("extractive", [("error", "unavailable")])
    assert (await ask(service, "then-extractive")).status_code == 503


async def test_the_operator_sees_models_and_routes_but_no_keys(service: httpx.AsyncClient, operator: httpx.Auth):
    assert (await service.get("/internal/routes")).status_code == 403
    for _ in range(5):
        await ask(service, "shown")
    answer = await service.get("/internal/routes", auth=operator)
    assert UPSTREAM_KEY not in answer.text
    report = answer.json()
    models = {model["name"]: model for model in report["models"]}
    assert models["error-shown"]["breaker"] == "open"
    assert (models["ok"]["state"], models["ok"]["in_flight"]) == ("ready", 0)
    routes = {route["name"]: route for route in report["routes"]}
    assert routes["by-size"]["when"] == "prompt of at least 100 tokens"
    assert report["routes"][-1]["models"] == ["extractive"]


@pytest.mark.parametrize("stream", [False, True])
async def test_leaving_frees_the_upstream(service: httpx.AsyncClient, upstreams: Upstreams, stream: bool):
    upstreams.left.clear()
    asking = asyncio.create_task(ask(service, "pause", stream=stream))
    before = upstreams.count("pause")
    async with asyncio.timeout(30):
        while upstreams.count("pause") == before:
            await service.get("/health/live")
        asking.cancel()
        await upstreams.left.wait()


async def test_another_service_is_an_upstream_like_any_other(serve: Serve, with_model: str):
    """Two real services, one asking the other over HTTP: words, usage, stop strings, too long a prompt."""
    remote = {"engine": "upstream", "url": f"{with_model}/v1", "upstream_model": "smollm2", "api_key": UPSTREAM_KEY}
    async with serve(models={"remote": remote}, routes=[{"name": "all", "models": ["remote"]}]) as service:
        answer = await ask(service, "default", temperature=0, max_tokens=8)
        assert served(answer)[0] == "remote"
        assert answer.json()["usage"]["completion_tokens"] == 8
        # Within the context that we know of, beyond the one that it has.
        refused = await ask(service, "default", messages=[{"role": "user", "content": "word " * 1500}])
        assert refused.status_code == 400
