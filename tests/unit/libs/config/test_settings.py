from pathlib import Path

import pytest
from pydantic import ValidationError

from libs.config.settings import CONFIG_DIR, Settings, load_settings


def test_an_environment_variable_overrides_one_key_of_a_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_RATE_LIMITS__CHAT", "7")
    settings = load_settings()
    assert settings.rate_limits.chat == 7
    assert settings.rate_limits.default == 100


def test_a_value_that_cannot_be_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_RATE_LIMITS__CHAT", "many")
    with pytest.raises(ValidationError, match=r"rate_limits\.chat"):
        load_settings()


def test_every_setting_has_its_default_and_its_explanation_in_base_yaml() -> None:
    lines = (CONFIG_DIR / "base.yaml").read_text().splitlines()
    keys = {line.split(":")[0].strip() for line in lines if ":" in line and not line.startswith("#")}
    assert set(Settings.model_fields) <= keys


def test_a_long_home_gets_a_short_folder_for_its_sockets(tmp_path: Path) -> None:
    settings = load_settings().model_copy(update={"home": tmp_path / ("deep/" * 30)})
    assert len(str(settings.sockets_dir / "valkey.sock")) < 107
    assert load_settings().model_copy(update={"home": Path("/srv/f")}).sockets_dir == Path("/srv/f/run")


def test_services_live_on_consecutive_ports_unless_told_otherwise() -> None:
    settings = load_settings().model_copy(update={"base_port": 9000, "service_urls": {"billing": "http://billing:80/"}})
    assert settings.url("auth") == "http://127.0.0.1:9001"
    assert settings.url("billing") == "http://billing:80"
