"""What is served while settings change, with models that load when the test says so."""

import asyncio
import weakref
from collections.abc import AsyncIterator

import pytest

from libs.contracts.errors import ErrorCode, FootnoteError
from services.embedding.ports import ModelLoadError
from services.embedding.registry import ModelRegistry


class Model:
    def __init__(self, name: str) -> None:
        self.id = self.backend = self.revision = name
        self.running = asyncio.Event()

    async def run(self) -> None:
        self.running.set()
        await asyncio.Event().wait()


class Loading:
    """Loads end when `finish` or `fail` says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._ends: dict[str, asyncio.Future[Model]] = {}

    async def __call__(self, name: str) -> Model:
        self.asked.append(name)
        self._ends[name] = asyncio.get_running_loop().create_future()
        return await self._ends[name]

    async def finish(self, name: str) -> None:
        await turns()
        model = Model(name)
        self._ends.pop(name).set_result(model)
        await model.running.wait()

    async def fail(self, name: str, reason: str) -> None:
        await turns()
        self._ends.pop(name).set_exception(ModelLoadError(reason))
        await turns()


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def loading() -> Loading:
    return Loading()


@pytest.fixture
async def registry(loading: Loading) -> AsyncIterator[ModelRegistry]:
    registry = ModelRegistry(loading)  # pyright: ignore[reportArgumentType] - what the registry uses of an encoder
    yield registry
    await registry.stop()


def served(registry: ModelRegistry) -> list[str]:
    return [name for name, _ in registry.loaded()]


def refusal(registry: ModelRegistry, model: str) -> FootnoteError:
    with pytest.raises(FootnoteError) as refused, registry.use(model):
        pass
    return refused.value


async def test_every_configured_model_is_served_with_the_default_first(registry: ModelRegistry, loading: Loading):
    registry.serve("a", ["b", "a", "b"])
    await loading.finish("b")
    assert served(registry) == ["b"]
    assert refusal(registry, "a").status == refusal(registry, "default").status == 503
    await loading.finish("a")
    assert served(registry) == ["a", "b"]
    assert loading.asked == ["a", "b"]
    with registry.use("default") as default, registry.use("b") as other:
        assert (default.id, other.id) == ("a", "b")


async def test_before_any_model_is_there_the_caller_learns_when_to_come_back(registry: ModelRegistry):
    registry.serve("a", [])
    with pytest.raises(FootnoteError) as refused:
        registry.loaded()
    assert refused.value.headers["Retry-After"] == "2"
    assert "loading" in refused.value.message


async def test_a_new_default_takes_over_when_it_is_loaded_and_the_old_one_goes(
    registry: ModelRegistry, loading: Loading
):
    registry.serve("a", [])
    await loading.finish("a")
    registry.serve("b", [])
    assert registry.default == "a"
    with registry.use("default") as still:
        assert still.id == "a"
    assert refusal(registry, "b").status == 503
    await loading.finish("b")
    with registry.use("default") as now:
        assert now.id == "b"
    assert served(registry) == ["b"]
    assert refusal(registry, "a").code is ErrorCode.MODEL_NOT_FOUND


async def test_a_model_goes_only_when_its_callers_are_done(registry: ModelRegistry, loading: Loading):
    registry.serve("a", ["b"])
    await loading.finish("a")
    await loading.finish("b")
    with registry.use("b") as leaving:
        gone = weakref.ref(leaving)
        registry.serve("a", [])
        assert refusal(registry, "b").status == 404
        assert "b" in served(registry)
    assert served(registry) == ["a"]
    del leaving
    await turns()
    assert gone() is None


async def test_a_model_named_again_while_its_callers_finish_stays(registry: ModelRegistry, loading: Loading):
    registry.serve("a", ["b"])
    await loading.finish("a")
    await loading.finish("b")
    with registry.use("b"):
        registry.serve("a", [])
        registry.serve("a", ["b"])
    assert served(registry) == ["a", "b"]
    assert loading.asked == ["a", "b"]


async def test_a_model_that_fails_to_load_leaves_the_others_serving(registry: ModelRegistry, loading: Loading):
    registry.serve("a", ["b"])
    await loading.fail("b", "b/model.safetensors is damaged")
    await loading.finish("a")
    await registry.check()
    with pytest.raises(ModelLoadError, match="damaged"):
        await registry.check_others()
    failed = refusal(registry, "b")
    assert failed.status == 503
    assert "could not be loaded" in failed.message
    assert "safetensors" not in failed.message
    assert served(registry) == ["a"]


async def test_a_default_that_fails_to_load_is_what_makes_the_service_unready(
    registry: ModelRegistry, loading: Loading
):
    registry.serve("a", ["b"])
    await loading.finish("b")
    await loading.fail("a", "no such file")
    with pytest.raises(ModelLoadError, match="no such file"):
        await registry.check()
    with registry.use("b") as other:
        assert other.id == "b"


async def test_a_new_default_that_fails_to_load_changes_nothing_until_it_is_mended(
    registry: ModelRegistry, loading: Loading
):
    registry.serve("a", [])
    await loading.finish("a")
    registry.serve("b", [])
    await loading.fail("b", "half a file")
    await registry.check()
    with registry.use("default") as still:
        assert still.id == "a"
    registry.serve("b", [])
    await loading.finish("b")
    assert registry.default == "b"


async def test_a_model_that_failed_is_tried_again_and_says_why_meanwhile(loading: Loading):
    registry = ModelRegistry(loading, failed_retry_s=0)  # pyright: ignore[reportArgumentType] - as in the fixture
    registry.serve("a", [])
    for reason in ("no space left on device", "no such file"):
        await loading.fail("a", reason)
        with pytest.raises(ModelLoadError, match=reason):
            await registry.check()
        assert refusal(registry, "a").status == 503
    await loading.finish("a")
    await registry.check()
    assert served(registry) == ["a"]
    assert loading.asked == ["a"] * 3
    await registry.stop()


async def test_a_load_that_nobody_wants_any_more_is_forgotten(registry: ModelRegistry, loading: Loading):
    registry.serve("a", ["b"])
    await loading.finish("a")
    await turns()
    registry.serve("a", [])
    await turns()
    assert refusal(registry, "b").status == 404
    assert served(registry) == ["a"]


async def test_a_model_that_ended_by_itself_keeps_no_other_from_being_closed():
    class Breaking(Model):
        async def run(self) -> None:
            raise RuntimeError("its queue broke")

    closed = asyncio.Event()

    class Closing(Model):
        async def run(self) -> None:
            try:
                await super().run()
            finally:
                closed.set()

    async def load(name: str) -> Model:
        return Breaking(name) if name == "a" else Closing(name)

    registry = ModelRegistry(load)  # pyright: ignore[reportArgumentType] - as in the fixture
    registry.serve("a", ["b"])
    await turns()
    await registry.stop()
    assert closed.is_set()
