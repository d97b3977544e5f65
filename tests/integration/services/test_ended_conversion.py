"""A service that is told to end while it converts its model ends at once, and leaves nothing that passes for whole."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path

import psutil
import pytest

from libs.config.settings import Settings
from libs.inference.child import import_path_environment
from libs.stores.weights import WeightsMissingError, WeightsStore
from tests.stack import base_port, until


@pytest.mark.parametrize(("service", "weights"), [("embedding", "minilm"), ("generation", "smollm2")])
async def test_a_service_ends_though_its_model_is_being_converted(
    settings: Settings, models_dir: Path, tmp_path: Path, service: str, weights: str
):
    """The conversion is held, so that the service can't wait for its end.

    SIGINT does to any process what SIGTERM does to a container's first one: nothing ends it but its own end.
    """
    try:
        installed = WeightsStore(models_dir).locate(weights)
    except WeightsMissingError as missing:
        pytest.skip(str(missing))
    folder = installed if installed.is_dir() else installed.parent
    (tmp_path / weights).mkdir()
    for path in folder.iterdir():
        if "openvino" not in path.name:
            (tmp_path / weights / path.name).symlink_to(path)
    environment = {
        **import_path_environment(),
        "FOOTNOTE_ENVIRONMENT": "test",
        "FOOTNOTE_HOME": str(settings.home),
        "FOOTNOTE_MODELS_DIR": str(tmp_path),
        "FOOTNOTE_BASE_PORT": str(base_port()),
        "FOOTNOTE_EMBEDDING__BACKEND": "auto",
        "FOOTNOTE_GENERATION__ENGINE": "smollm2",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}", env=environment, stdout=DEVNULL
    )
    try:
        converting = await until(lambda: _converting(process.pid))
        converting.suspend()
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            await process.wait()
        assert not converting.is_running() or converting.status() == psutil.STATUS_ZOMBIE
    finally:
        if process.returncode is None:
            process.kill()  # the conversion ends with it
            await process.wait()
    assert not (tmp_path / weights / "openvino").exists()


async def _converting(pid: int) -> psutil.Process | None:
    """A child as soon as it runs the conversion's module, which it says in its command."""
    children = await asyncio.to_thread(psutil.Process(pid).children)
    return next((child for child in children if "libs.stores.bound_child" in child.cmdline()), None)
