"""Models and routes that change while answers are being written, through the overrides file of a running service."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import yaml

from libs.config.live import LOOK_EVERY_S
from tests.integration.services.generation.conftest import Serve
from tests.integration.services.generation.upstreams import UPSTREAM_KEY, WORDS, Upstreams

ASK = {"model": "default", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await look():  # noqa: ASYNC110 - the service looks at its file in its own time
            await asyncio.sleep(LOOK_EVERY_S / 20)


def write(file: Path, upstreams: Upstreams, *models: str, routed: tuple[str, ...] | None = None) -> None:
    upstream = {"engine": "upstream", "url": upstreams.url, "api_key": UPSTREAM_KEY}
    routes = [{"name": "all", "models": list(routed or models)}]
    file.write_text(yaml.safe_dump({"generation": {"models": dict.fromkeys(models, upstream), "routes": routes}}))


async def names(service: httpx.AsyncClient) -> list[str]:
    return [model["id"] for model in (await service.get("/v1/models")).json()["data"]]


async def served_by(service: httpx.AsyncClient) -> str:
    return (await service.post("/v1/chat/completions", json=ASK)).json()["model"]


async def checks(service: httpx.AsyncClient) -> dict[str, Any]:
    return (await service.get("/health/detailed")).json()


async def test_a_change_takes_effect_while_an_answer_goes_on(serve: Serve, upstreams: Upstreams, tmp_path: Path):
    file = tmp_path / "overrides.yaml"
    write(file, upstreams, "pause-live", "ok-one")
    async with serve(overrides=file) as service:
        async with service.stream("POST", "/v1/chat/completions", json={**ASK, "stream": True}) as answer:
            lines = answer.aiter_lines()
            while WORDS[1] not in await anext(lines):
                pass
            write(file, upstreams, "ok-two")
            await until(lambda: _is(names(service), ["extractive", "ok-two"]))
            assert await served_by(service) == "ok-two"
            upstreams.release.set()
            rest = "".join([line async for line in lines])
            upstreams.release.clear()
        assert WORDS[-1] in rest
        assert rest.endswith("[DONE]")


async def test_a_mistake_leaves_what_was_in_force_and_is_told(serve: Serve, upstreams: Upstreams, tmp_path: Path):
    file = tmp_path / "overrides.yaml"
    write(file, upstreams, "ok-one")
    async with serve(overrides=file) as service:
        write(file, upstreams, "ok-one", routed=("nonesuch",))
        await until(lambda: _failing(service, "settings", "'nonesuch', which isn't a model"))
        assert (await checks(service))["status"] == "ready"
        assert await served_by(service) == "ok-one"
        file.write_text("generation: {models: {")
        await until(lambda: _failing(service, "settings", "isn't YAML"))
        assert await served_by(service) == "ok-one"
        write(file, upstreams, "ok-two")
        await until(lambda: _is(served_by(service), "ok-two"))
        assert (await checks(service))["checks"]["settings"]["ok"]


async def test_a_model_that_doesnt_load_leaves_what_was_in_force(
    serve: Serve, upstreams: Upstreams, tmp_path: Path, operator: httpx.Auth
):
    file = tmp_path / "overrides.yaml"
    write(file, upstreams, "ok-one")
    async with serve(overrides=file) as service:
        models = {"big": {"engine": "openvino", "weights": "nonesuch"}}
        routes = [{"name": "all", "models": ["big"]}]
        file.write_text(yaml.safe_dump({"generation": {"models": models, "routes": routes}}))
        await until(lambda: _failing(service, "routes", "nonesuch"))
        assert (await checks(service))["status"] == "ready"
        assert await served_by(service) == "ok-one"
        report = (await service.get("/internal/routes", auth=operator)).json()
        assert "nonesuch" in report["problem"]
        write(file, upstreams, "ok-one")
        await until(lambda: _is(_ok(service, "routes"), True))


async def test_a_model_that_doesnt_load_at_the_start_is_told_and_the_others_answer(
    serve: Serve, settings, upstreams: Upstreams
):
    from libs.config.generation import Generation
    from services.generation.main import build
    from tests.integration.services.generation.conftest import Caller
    from tests.loopback import serving

    models = {
        "big": {"engine": "openvino", "weights": "nonesuch"},
        "ok-one": {"engine": "upstream", "url": upstreams.url},
    }
    routes = [{"name": "all", "models": ["big", "ok-one"]}]
    options = {**dict(settings.generation), "engine": "extractive", "models": models, "routes": routes}
    changed = settings.model_copy(update={"generation": Generation.model_validate(options)})
    async with (
        serving(build(changed)) as url,
        httpx.AsyncClient(base_url=url, auth=Caller(settings)) as service,
    ):
        await until(lambda: _failing(service, "engine", "nonesuch"))
        assert (await service.get("/health/ready")).status_code == 503
        answer = (await service.post("/v1/chat/completions", json=ASK)).json()
        assert answer["model"] == "ok-one"
        assert answer["footnote"]["skipped"] == [{"model": "big", "reason": "unavailable"}]


async def test_a_change_under_way_when_the_service_ends_leaves_no_process(
    serve: Serve, upstreams: Upstreams, tmp_path: Path, tiny_language_model: Path
):
    """Its model still loads, for which torch alone needs seconds."""
    file = tmp_path / "overrides.yaml"
    write(file, upstreams, "ok-one")
    async with serve(overrides=file):
        models = {"tiny": {"engine": "transformers", "weights": str(tiny_language_model)}}
        routes = [{"name": "all", "models": ["tiny"]}]
        file.write_text(yaml.safe_dump({"generation": {"models": models, "routes": routes}}))
        await until(lambda: _is(_loading(tiny_language_model), True))
    assert not await _loading(tiny_language_model)


async def _loading(weights: Path) -> bool:
    return await asyncio.to_thread(
        lambda: str(weights).encode() in b"".join(map(_command, Path("/proc").glob("[0-9]*")))
    )


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


async def _is(answer: Awaitable[Any], expected: Any) -> bool:
    return await answer == expected


async def _ok(service: httpx.AsyncClient, check: str) -> bool:
    return (await checks(service))["checks"][check]["ok"]


async def _failing(service: httpx.AsyncClient, check: str, reason: str) -> bool:
    return reason in ((await checks(service))["checks"][check]["error"] or "")
