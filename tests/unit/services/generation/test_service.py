"""What takes longer than a test may: models that load, and answers that outlive their table."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from libs.clients.context import RequestContext, use_context
from libs.config.generation import GenerationModel
from libs.contracts.completions import ChatMessageParam, CompletionRequest
from libs.contracts.errors import FootnoteError
from services.generation.ports import (
    Engine,
    EngineBusyError,
    EngineUnavailableError,
    Event,
    GenerationRequest,
    Message,
    TextDelta,
)
from services.generation.routing.breaker import FAILURES
from services.generation.routing.prompt_size import PromptSize
from services.generation.routing.served_model import ServedModel
from services.generation.service import Chosen, GenerationService
from tests.unit.services.generation.gated import Engines, GatedEngine, live, settings

ASK = CompletionRequest(model="default", messages=[ChatMessageParam(role="user", content="Why?")])


async def begun(service: GenerationService) -> tuple[Chosen, AsyncGenerator[Chosen | Event]]:
    events = service.answer(ASK, None)
    chosen = await anext(events)
    assert isinstance(chosen, Chosen)
    return chosen, events


async def text_of(events: AsyncGenerator[Chosen | Event]) -> str:
    async with aclosing(events):
        return "".join([event.text async for event in events if isinstance(event, TextDelta)])


async def test_one_that_can_answer_does_so_while_the_first_still_loads():
    engines = Engines("second")
    models = live(engines, settings("slow", "second"))
    starting = asyncio.create_task(models.start())
    await engines.made_one.wait()
    chosen, events = await begun(GenerationService(models))
    assert chosen.served.served_by == "second"
    assert [(one.model, one.reason) for one in chosen.served.skipped] == [("slow", "loading")]
    await events.aclose()
    engines.made["slow"][0].loads.set()
    await starting
    chosen, events = await begun(GenerationService(models))
    assert (chosen.served.served_by, chosen.served.skipped) == ("slow", [])
    await events.aclose()
    await models.close()


async def test_a_model_alone_is_waited_for():
    engines = Engines()
    models = live(engines, settings("slow"))
    starting = asyncio.create_task(models.start())
    asking = asyncio.create_task(begun(GenerationService(models)))
    await engines.made_one.wait()
    engines.made["slow"][0].loads.set()
    chosen, events = await asking
    assert (chosen.served.served_by, chosen.served.skipped) == ("slow", [])
    await events.aclose()
    await starting
    await models.close()


async def test_no_more_wait_for_a_model_that_loads_than_may():
    ready = GatedEngine("one")
    local = GenerationModel(engine="openvino", weights="qwen", max_waiting=1)
    model = ServedModel("one", local, lambda: ready, lambda: 0)
    request = GenerationRequest((Message("user", "Why?"),))
    first, second = model.generate(request), model.generate(request)
    waiting = asyncio.create_task(anext(first))
    await asyncio.sleep(0)
    with pytest.raises(EngineBusyError):
        await anext(second)
    ready.loads.set()
    await model.start()
    assert await waiting == TextDelta("one ")
    await first.aclose()
    assert model.in_flight == 0


async def test_an_upstream_that_falls_silent_in_every_answer_opens_its_breaker(monkeypatch: pytest.MonkeyPatch):
    """Each caller's deadline passes in the middle, which alone says nothing."""
    monkeypatch.setattr("services.generation.service.SILENCE_S", 0)
    engines = Engines("silent")
    models = live(engines, settings("silent"))
    await models.start()
    for _ in range(FAILURES):
        assert models.table.models["silent"].breaker.state == "closed"
        _, events = await begun(GenerationService(models))
        with use_context(RequestContext(deadline=time.monotonic())), pytest.raises(FootnoteError, match="deadline"):
            await text_of(events)
    assert models.table.models["silent"].breaker.state == "open"
    await models.close()


async def test_an_upstream_that_is_only_slow_opens_no_breaker():
    engines = Engines("slow")
    models = live(engines, settings("slow"))
    await models.start()
    for _ in range(FAILURES):
        _, events = await begun(GenerationService(models))
        with use_context(RequestContext(deadline=time.monotonic())), pytest.raises(FootnoteError, match="deadline"):
            await text_of(events)
    assert models.table.models["slow"].breaker.state == "closed"
    await models.close()


async def test_a_model_that_leaves_is_closed_after_its_last_answer():
    engines = Engines("old", "new", "newest")
    models = live(engines, settings("old"))
    await models.start()
    service = GenerationService(models)
    _, events = await begun(service)
    await models.change(settings("new"))
    await models.change(settings("newest"))
    chosen, other = await begun(service)
    assert chosen.served.served_by == "newest"
    await other.aclose()
    [old], [new] = engines.made["old"], engines.made["new"]
    assert not old.closed.is_set()
    old.speaks.set()
    assert await text_of(events) == "one two"
    async with asyncio.timeout(5):
        await old.closed.wait()
        await new.closed.wait()
    assert not engines.made["newest"][0].closed.is_set()
    await models.close()


async def test_what_a_change_leaves_alone_is_not_loaded_again():
    engines = Engines("kept", "more")
    models = live(engines, settings("kept"))
    await models.start()
    await models.change(settings("kept", "more"))
    assert {name: len(made) for name, made in engines.made.items()} == {"extractive": 1, "kept": 1, "more": 1}
    await models.change(settings("kept", max_waiting=7))
    assert len(engines.made["kept"]) == 2
    await models.close()


async def test_a_change_that_cant_be_loaded_changes_nothing_and_leaves_nothing_open():
    engines = Engines("kept", "more", "broken")
    models = live(engines, settings("kept"))
    await models.start()
    await models.change(settings("kept", "more", "broken"))
    with pytest.raises(ValueError, match="no such weights"):
        await models.check_routes()
    assert models.table.names(None) == ["extractive", "kept"]
    assert engines.made["more"][0].closed.is_set()
    assert not engines.made["kept"][0].closed.is_set()
    await models.change(settings("kept"))
    await models.check_routes()
    await models.close()


async def test_what_failed_before_keeps_no_change_out_and_is_tried_again_at_once():
    engines = Engines("kept", "more", "broken")
    models = live(engines, settings("kept", "broken"))
    await models.start()
    await models.change(settings("kept", "broken", "more"))
    await models.check_routes()
    assert models.table.names(None) == ["extractive", "broken", "kept", "more"]
    async with asyncio.timeout(5):
        await engines.made["broken"][0].closed.wait()
    assert len(engines.made["broken"]) == 2
    await models.close()


async def test_a_model_that_failed_is_tried_again_and_says_why_meanwhile():
    made: list[GatedEngine] = []

    def make() -> Engine:
        made.append(GatedEngine("broken" if len(made) < 2 else "one"))
        if len(made) == 1:
            made[0].loads.set()
        return made[-1]

    upstream = GenerationModel(engine="upstream", url="http://upstream/v1")
    model = ServedModel("one", upstream, make, lambda: 0, failed_retry_s=0)
    await model.start()
    async with asyncio.timeout(5):
        await made[0].closed.wait()
    assert (model.state, model.problem) == ("failed", "one: no such weights")
    with pytest.raises(EngineUnavailableError, match="no such weights"):
        await model.count_tokens(["Why?"])
    made[1].loads.set()
    async with asyncio.timeout(5):
        await made[1].closed.wait()
    made[2].loads.set()
    (retrying,) = [task for task in asyncio.all_tasks() if task.get_name() == "load one again"]
    await asyncio.wait_for(retrying, 5)
    assert model.state == "ready"
    assert model.problem is None
    assert await model.count_tokens(["Why?"]) == 4
    await model.close()
    assert made[2].closed.is_set()


async def test_a_failed_model_that_is_closed_is_not_tried_again():
    broken = GatedEngine("broken")
    broken.loads.set()
    upstream = GenerationModel(engine="upstream", url="http://upstream/v1")
    model = ServedModel("one", upstream, lambda: broken, lambda: 0)
    await model.start()
    await model.close()
    assert broken.closed.is_set()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "load one again"]


class TemplateEngine(GatedEngine):
    async def count_prompt(self, messages: Sequence[Message]) -> int:
        return 20 + sum(len(message.content) for message in messages)


@pytest.mark.parametrize(("engine", "tokens"), [(TemplateEngine, 24), (GatedEngine, 12)])
async def test_a_prompt_is_counted_with_its_template_where_the_engine_can(engine: type[GatedEngine], tokens: int):
    ready = engine("one")
    ready.loads.set()
    model = ServedModel("one", GenerationModel(engine="upstream", url="http://upstream/v1"), lambda: ready, lambda: 0)
    await model.start()
    assert await PromptSize([Message("user", "Why?")]).tokens(model) == tokens
