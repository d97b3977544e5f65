"""A change of the models that the end of the service overtakes: nothing of it may be left behind."""

import asyncio

import pytest

from services.generation.service import GenerationService
from tests.unit.services.generation.gated import Engines, GatedEngine, live, settings
from tests.unit.services.generation.test_service import begun


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_change_that_is_given_up_closes_all_that_it_had_loaded():
    engines = Engines("kept", "ready")
    models = live(engines, settings("kept"))
    await models.start()
    changing = asyncio.create_task(models.change(settings("kept", "ready", "slow")))
    await turns()
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    assert engines.made["ready"][0].closed.is_set()
    assert engines.made["slow"][0].closed.is_set()
    assert models.table.names(None) == ["extractive", "kept"]
    assert not engines.made["kept"][0].closed.is_set()
    await models.close()
    assert engines.made["kept"][0].closed.is_set()


async def test_a_change_that_was_given_up_can_be_made_later():
    engines = Engines("kept")
    models = live(engines, settings("kept"))
    await models.start()
    changing = asyncio.create_task(models.change(settings("kept", "slow")))
    await turns()
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    again = asyncio.create_task(models.change(settings("kept", "slow")))
    await turns()
    engines.made["slow"][1].loads.set()
    await again
    assert models.table.names(None) == ["extractive", "kept", "slow"]
    await models.close()


async def test_a_change_that_is_given_up_leaves_nothing_that_failed_to_be_tried_again():
    engines = Engines("kept", "broken")
    models = live(engines, settings("kept"))
    await models.start()
    changing = asyncio.create_task(models.change(settings("kept", "broken", "slow")))
    await turns()
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("load ")]
    await models.close()


async def test_the_end_waits_for_no_answer_but_for_the_closing_of_each_model():
    class Lingering(GatedEngine):
        """Takes its time to close, as a worker does that finishes a step."""

        async def close(self) -> None:
            await asyncio.sleep(0)
            await super().close()

    engines = Engines("old", "new", engine=Lingering)
    models = live(engines, settings("old"))
    await models.start()
    _, events = await begun(GenerationService(models))
    await models.change(settings("new"))
    [old], [new] = engines.made["old"], engines.made["new"]
    assert not old.closed.is_set()
    async with asyncio.timeout(5):
        await models.close()
    assert old.closed.is_set()
    assert new.closed.is_set()
    await events.aclose()


async def test_the_end_interrupts_no_closing_that_has_begun():
    class Slow(GatedEngine):
        def __init__(self, name: str) -> None:
            super().__init__(name)
            self.closing, self.may_close = asyncio.Event(), asyncio.Event()

        async def close(self) -> None:
            self.closing.set()
            await self.may_close.wait()
            await super().close()

    engines = Engines("old", "new", engine=Slow)
    models = live(engines, settings("old"))
    await models.start()
    await models.change(settings("new"))
    old = engines.made["old"][0]
    assert isinstance(old, Slow)
    await old.closing.wait()
    for made in engines.made.values():
        for engine in made:
            assert isinstance(engine, Slow)
            if engine is not old:
                engine.may_close.set()
    ending = asyncio.create_task(models.close())
    await turns()
    old.may_close.set()
    async with asyncio.timeout(5):
        await ending
    assert old.closed.is_set()
