from pathlib import Path

import pytest

from libs.config.settings import PROCESSES, load_settings
from libs.service.stopping import ENDED_WITHIN_S, LONGEST_DRAIN_S, OPEN_REQUESTS_S
from scripts import supervisor
from scripts.supervisor import Supervisor
from tests.stack import until


async def test_what_answers_people_has_ended_before_what_it_needs_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supervisor, "MODULES", dict.fromkeys(PROCESSES, "tests.notes_its_end"))
    settings = load_settings().model_copy(update={"home": tmp_path})
    settings.logs_dir.mkdir(parents=True)
    notes = tmp_path / "ends"

    async def all_ready() -> bool | None:
        return (notes.exists() and notes.read_text().count("ready") == len(PROCESSES)) or None

    supervising = Supervisor(settings)
    supervising.launch(PROCESSES)
    try:
        await until(all_ready)
        names = {str(pid): name for name, pid in supervising.processes().items()}
    finally:
        await supervising.stop()
    ends = [f"{names[pid]} {what}" for pid, what in map(str.split, notes.read_text().splitlines()) if what != "ready"]
    assert ends[:4] == ["gateway asked", "gateway ended", "chat asked", "chat ended"]
    assert len(ends) == 2 * len(PROCESSES)


def test_nobody_is_ended_by_force_while_it_drains():
    assert ENDED_WITHIN_S > OPEN_REQUESTS_S + LONGEST_DRAIN_S
